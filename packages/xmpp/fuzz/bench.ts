import { XmlParser, Element, write, Stanza, Jid } from '@jackdaw/xmpp'
const cpu = () => process.cpuUsage().user / 1000
let m = `<message to='juliet@example.com/balcony' from='romeo@example.net/orchard' type='chat' id='a1b2c3d4' xml:lang='en'><body>Art thou not Romeo, &amp; a Montague? Señor</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>`
while (new TextEncoder().encode(m).length < 281) m = m.replace('Señor', 'Señor.')
const one = new TextEncoder().encode(m)
console.log(one.length)
const n = 100000
const big = new Uint8Array(one.length * n); for (let i = 0; i < n; i++) big.set(one, i * one.length)
for (const size of [16384, one.length]) for (let r = 0; r < 5; r++) {
  const p = new XmlParser(); p.write(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`); p.read()
  const t = cpu(); let c = 0
  for (let o = 0; o < big.length; o += size) { p.write(big.subarray(o, o + size)); while (p.read()) c++ }
  console.log('parse', size, c, Math.round(c / (cpu() - t)), 'k/s')
}
if (process.argv[2] === "parse") process.exit()
const p = new XmlParser(); p.write(`<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`); p.read(); p.write(one); const e = p.read() as Element
const s = Stanza.from(e)
const jids = Array.from({length: 100}, (_, i) => Jid.parse(`u${i}@example.com/balcony`))
for (let r = 0; r < 4; r++) { let t = cpu(), l = 0; for (let i = 0; i < 300000; i++) l += write(e, 'jabber:client').length; console.log('write', Math.round(300000 / (cpu() - t)), 'k/s')
 t = cpu(); for (let i = 0; i < 300000; i++) l += write(s.addressed({to: jids[i%100]}), 'jabber:client').length; console.log('addressed+write shared', Math.round(300000 / (cpu() - t)), 'k/s')
 t = cpu(); for (let i = 0; i < 300000; i++) l += Buffer.byteLength(write(s.addressed({to: jids[i%100]}), 'jabber:client')); console.log('addressed+write shared+bytes', Math.round(300000 / (cpu() - t)), 'k/s')
 t = cpu(); for (let i = 0; i < 300000; i++) { l += Buffer.byteLength(write(new Element(e.name, e.ns, s.addressed({to: jids[i%100]}).attrs, e.children), 'jabber:client')) }; console.log('unshared+bytes', Math.round(300000 / (cpu() - t)), 'k/s')
 }
