"""A component made with slixmpp's ComponentXMPP, and a user of slixmpp who talks with it; each thing that went well is told in a line of
JSON. With an option `wrong` it only tries to connect with another secret."""

import asyncio
import json
import sys

from slixmpp import JID, ClientXMPP, ComponentXMPP
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath

OPTIONS = json.loads(sys.argv[1])
DOMAIN = OPTIONS['domain']
PUCK = f'puck@{DOMAIN}'
ROOM = JID('forest@rooms.localhost')


class Hearing:
    """What both have."""

    def prepare(self):
        for plugin in ('xep_0030', 'xep_0045', 'xep_0092', 'xep_0199', 'xep_0203'):
            self.register_plugin(plugin)
        self.heard = asyncio.Queue()
        self.online = asyncio.get_running_loop().create_future()
        for kind in ('message', 'presence'):
            self.register_handler(Callback(kind, StanzaPath(kind), self.heard.put_nowait))
        self.add_event_handler('session_start', lambda _: self.online.done() or self.online.set_result(True))

    async def hears(self, **like):
        """Skips what is not like this."""
        async def wait():
            while True:
                stanza = await self.heard.get()
                if all(str(stanza[key]) == value for key, value in like.items()):
                    return stanza
        return await asyncio.wait_for(wait(), 20)


class User(Hearing, ClientXMPP):
    def __init__(self):
        super().__init__('romeo@localhost/garden', OPTIONS['password'])
        self.ca_certs = OPTIONS['certificate']
        self.prepare()
        self.connect(('127.0.0.1', OPTIONS['port']))


class Component(Hearing, ComponentXMPP):
    def __init__(self, secret):
        super().__init__(DOMAIN, secret, '127.0.0.1', OPTIONS['componentPort'])
        self.auto_authorize = None
        self.prepare()
        self['xep_0030'].add_identity(category='gateway', itype='fairies', name='Fairies')
        self.connect()


def tell(step, is_right=True):
    print(json.dumps({'step': step, 'isRight': bool(is_right)}), flush=True)


async def wrong():
    component = Component('another secret')
    error = asyncio.get_running_loop().create_future()
    component.add_event_handler('stream_error', lambda e: error.done() or error.set_result(e['condition']))
    tell('is refused', await asyncio.wait_for(error, 20) == 'not-authorized')
    component.abort()


async def main():
    if 'wrong' in OPTIONS:
        return await wrong()
    fairies, romeo = Component(OPTIONS['secret']), User()
    await asyncio.wait_for(asyncio.gather(fairies.online, romeo.online), 20)
    tell('connects')
    await romeo.get_roster()
    romeo.send_presence()

    items = await romeo['xep_0030'].get_items(jid='localhost')
    tell('is among the items of the server', any(item[0] == DOMAIN for item in items['disco_items']['items']))
    info = await romeo['xep_0030'].get_info(jid=DOMAIN)
    tell('says what it is', any(i[:2] == ('gateway', 'fairies') for i in info['disco_info']['identities']))
    tell('is pinged', await romeo['xep_0199'].ping(DOMAIN, timeout=20) >= 0)
    version = await fairies['xep_0092'].get_version('localhost', ifrom=PUCK)
    tell('asks the server', version['software_version']['name'] == 'Jackdaw')

    romeo.send_message(mto=f'{PUCK}/a', mbody='Are you there?', mtype='chat')
    heard = await fairies.hears(body='Are you there?')
    tell('hears a user', heard['from'] == JID('romeo@localhost/garden') and heard['to'] == JID(f'{PUCK}/a'))
    fairies.send_message(mfrom=f'{PUCK}/a', mto=heard['from'], mbody='Thou speak’st aright', mtype='chat')
    tell('is heard', (await romeo.hears(body='Thou speak’st aright'))['from'] == JID(f'{PUCK}/a'))

    romeo.send_presence_subscription(pto=PUCK)
    await fairies.hears(type='subscribe')
    fairies.send_presence(pfrom=PUCK, pto='romeo@localhost', ptype='subscribed')
    fairies.send_presence(pfrom=f'{PUCK}/a', pto='romeo@localhost', pstatus='merry')
    await romeo.hears(status='merry')
    tell('is a contact')
    fairies.send_presence(pfrom=PUCK, pto='romeo@localhost', ptype='subscribe')
    await romeo.hears(type='subscribe')
    romeo.send_presence(pto=PUCK, ptype='subscribed')
    await fairies.hears(type='available', **{'from': 'romeo@localhost/garden'})
    tell('has a contact')

    await romeo['xep_0045'].join_muc_wait(ROOM, 'romeo', timeout=20)
    await romeo['xep_0045'].set_room_config(ROOM, await romeo['xep_0045'].get_room_config(ROOM))
    fairies['xep_0045'].join_muc(ROOM, 'puck', pfrom=f'{PUCK}/a')
    await fairies.hears(type='groupchat', subject='', **{'from': str(ROOM)})
    fairies.send_message(mfrom=f'{PUCK}/a', mto=ROOM, mbody='Lord, what fools!', mtype='groupchat')
    await romeo.hears(body='Lord, what fools!')
    romeo.send_message(mto=ROOM, mbody='Who speaks?', mtype='groupchat')
    await fairies.hears(body='Who speaks?', to=f'{PUCK}/a')
    tell('is in a room')

    await fairies.disconnect()
    for _ in range(200):
        try:
            await romeo['xep_0199'].send_ping(DOMAIN, timeout=20)
        except IqError as error:
            tell('is missed', error.condition == 'remote-server-timeout')
            break
        await asyncio.sleep(0.05)
    await romeo.disconnect()


asyncio.run(main())
