import { SaxesParser } from 'saxes'
const m = `<message to='juliet@example.com/balcony' from='romeo@example.net/orchard' type='chat' id='a1b2c3d4' xml:lang='en'><body>Art thou not Romeo, &amp; a Montague? Señor</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>`
for (let r = 0; r < 3; r++) { const p = new SaxesParser({xmlns: true}); const cpu = () => process.cpuUsage().user / 1000
let c=0; p.on('closetag', () => {c++}); p.write('<a>'); const t = cpu(); const s = m.repeat(58); for (let i = 0; i < 1000; i++) p.write(s); console.log('saxes', Math.round(58000/(cpu()-t))) }
