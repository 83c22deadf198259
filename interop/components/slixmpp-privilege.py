"""A component made with slixmpp's ComponentXMPP that is privileged (XEP-0356, with slixmpp's plugin) and answers a namespace in place of the
server (XEP-0355, of which slixmpp has no plugin); each thing that went well is told in a line of JSON."""

import asyncio
import json
import sys
import xml.etree.ElementTree as ET

from slixmpp import JID, ClientXMPP, ComponentXMPP
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath, StanzaPath

OPTIONS = json.loads(sys.argv[1])
DOMAIN = OPTIONS['domain']
ROMEO = 'romeo@localhost'
CLIENT = '{jabber:client}'
FORWARDED = '{urn:xmpp:forward:0}forwarded'
DELEGATION = '{urn:xmpp:delegation:2}delegation'
PRIVILEGED = '{urn:xmpp:privilege:2}'
MOOD = '{urn:example:mood}mood'
PRIVATE = '{jabber:iq:private}query'


class User(ClientXMPP):
    def __init__(self, name):
        super().__init__(f'{name}@localhost/garden', OPTIONS['password'])
        self.ca_certs = OPTIONS['certificate']
        self.register_plugin('xep_0030')
        self.heard = asyncio.Queue()
        self.online = asyncio.get_running_loop().create_future()
        self.register_handler(Callback('message', StanzaPath('message'), self.heard.put_nowait))
        self.add_event_handler('session_start', lambda _: self.online.set_result(True))
        self.connect(('127.0.0.1', OPTIONS['port']))


class Butler(ComponentXMPP):
    def __init__(self):
        super().__init__(DOMAIN, OPTIONS['secret'], '127.0.0.1', OPTIONS['componentPort'])
        self.auto_authorize = None
        for plugin in ('xep_0030', 'xep_0199', 'xep_0297', 'xep_0356'):
            self.register_plugin(plugin)
        loop = asyncio.get_running_loop()
        self.privileged, self.delegated = loop.create_future(), loop.create_future()
        self.seen = asyncio.Queue()
        self.add_event_handler('privileges_advertised', lambda _: self.privileged.set_result(True))
        self.register_handler(Callback('delegations', MatchXPath(f'{{{self.default_ns}}}message/{DELEGATION}'), self.advertised))
        self.register_handler(Callback('delegated', MatchXPath(f'{{{self.default_ns}}}iq/{DELEGATION}'), self.asked))
        self.register_handler(Callback('presence', StanzaPath('presence'), self.seen.put_nowait))
        self['xep_0030'].add_feature('urn:example:mood#happy', node='urn:xmpp:delegation:2::urn:example:mood')
        self.connect()

    def advertised(self, message):
        self.delegated.set_result([one.get('namespace') for one in message.xml.find(DELEGATION)])

    def asked(self, iq):
        """Answers every request with the same mood."""
        asked = iq.xml.find(f'{DELEGATION}/{FORWARDED}/{CLIENT}iq')
        answer = self.make_iq_result(id=iq['id'], ito=iq['from'], ifrom=DOMAIN)
        forwarded = ET.SubElement(ET.SubElement(answer.xml, DELEGATION), FORWARDED)
        inner = ET.SubElement(forwarded, f'{CLIENT}iq', type='result', id=asked.get('id'), to=asked.get('from'))
        if asked.get('to'):
            inner.set('from', asked.get('to'))
        ET.SubElement(inner, MOOD, of=asked.get('from'))
        answer.send()


def tell(step, is_right=True):
    print(json.dumps({'step': step, 'isRight': bool(is_right)}), flush=True)


async def soon(future):
    return await asyncio.wait_for(future, 20)


async def main():
    butler, romeo, juliet = Butler(), User('romeo'), User('juliet')
    await soon(asyncio.gather(butler.privileged, butler.delegated, romeo.online, juliet.online))
    privilege = butler['xep_0356']
    granted = privilege.granted_privileges
    tell('is told its privileges', [granted[name] for name in ('roster', 'message', 'presence')] == ['both', 'outgoing', 'managed_entity'])
    tell('is told what is delegated to it', butler.delegated.result() == ['urn:example:mood'])

    romeo.send_presence()
    juliet.send_presence()
    seen = {str((await soon(butler.seen.get()))['from']) for _ in range(2)}
    tell('sees who comes', seen == {'romeo@localhost/garden', 'juliet@localhost/garden'})

    await privilege.set_roster(ROMEO, {'nurse@localhost': {'name': 'Nurse', 'groups': ['Capulet']}})
    items = (await privilege.get_roster(ROMEO))['roster']['items']
    tell('keeps a roster', items[JID('nurse@localhost')]['groups'] == ['Capulet'])
    try:
        await privilege.get_roster('nobody@localhost')
    except IqError as error:
        # slixmpp 1.8 reads the conditions of errors in jabber:client alone.
        tell('has no roster of who does not exist', error.iq.xml.find('.//{urn:ietf:params:xml:ns:xmpp-stanzas}forbidden') is not None)

    # The plugin takes the address to which it has connected for that of the server.
    butler.server_host = 'localhost'
    message = butler.make_message(mto='juliet@localhost', mfrom=ROMEO, mbody='But soft!', mtype='chat')
    privilege.send_privileged_message(message)
    heard = await soon(juliet.heard.get())
    tell('speaks for an account', (str(heard['from']), heard['body']) == (ROMEO, 'But soft!'))

    request = butler.make_iq_set(ito=ROMEO, ifrom=DOMAIN)
    inner = ET.SubElement(ET.SubElement(request.xml, f'{PRIVILEGED}privileged_iq'), f'{CLIENT}iq', type='set', id='inner')
    ET.SubElement(ET.SubElement(inner, PRIVATE), '{urn:example:note}note').text = 'kept'
    answer = (await request.send()).xml.find(f'{PRIVILEGED}privilege/{FORWARDED}/{CLIENT}iq')
    tell('asks for an account', (answer.get('type'), answer.get('id')) == ('result', 'inner'))

    asked = romeo.make_iq_get()
    asked.append(ET.Element(MOOD))
    tell('answers for the server', (await asked.send()).xml.find(MOOD).get('of') == 'romeo@localhost/garden')
    info = await romeo['xep_0030'].get_info(jid='localhost')
    tell('has the server say what it can do', 'urn:example:mood#happy' in info['disco_info']['features'])

    await butler.disconnect()
    for _ in range(200):
        asked = romeo.make_iq_get()
        asked.append(ET.Element(MOOD))
        try:
            await asked.send()
        except IqError as error:
            tell('is missed', error.condition == 'service-unavailable')
            break
        await asyncio.sleep(0.05)
    for user in (romeo, juliet):
        await user.disconnect()


asyncio.run(main())
