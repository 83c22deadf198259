"""Two users of slixmpp meet in a channel of an IRC server, through biboumi; a third one is there with IRC alone. Each thing that went well
is told in a line of JSON."""

import asyncio
import json
import sys

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath

OPTIONS = json.loads(sys.argv[1])
ROOM = JID(f'#verona%{OPTIONS["irc"]}@{OPTIONS["domain"]}')
PLUGINS = ('xep_0004', 'xep_0030', 'xep_0045', 'xep_0059', 'xep_0199', 'xep_0203', 'xep_0297', 'xep_0313', 'xep_0359')


class User(ClientXMPP):
    def __init__(self, name):
        super().__init__(f'{name}@localhost/{name}', OPTIONS['password'])
        self.ca_certs = OPTIONS['certificate']
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.room = self['xep_0045']
        self.online = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Queue()
        self.register_handler(Callback('messages', StanzaPath('message'), self.heard.put_nowait))
        self.register_handler(Callback('presences', StanzaPath('presence'), self.heard.put_nowait))
        self.add_event_handler('session_start', self.started)
        self.connect(('127.0.0.1', OPTIONS['port']))

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        self.online.set_result(True)

    async def hears(self, is_like):
        """Skips what is not like this."""
        async def wait():
            while True:
                stanza = await self.heard.get()
                if is_like(stanza):
                    return stanza
        return await asyncio.wait_for(wait(), 20)


class Irc:
    """Somebody who has never heard of XMPP."""

    async def enter(self):
        self.reader, self.writer = await asyncio.open_connection(OPTIONS['irc'], 6667)
        self.say('NICK mercutio')
        self.say('USER mercutio 0 * :Mercutio')
        await self.hears(' 001 ')
        self.say('JOIN #verona')
        await self.hears(' 366 ')

    def say(self, line):
        self.writer.write(f'{line}\r\n'.encode())

    async def hears(self, part):
        async def wait():
            while True:
                line = (await self.reader.readline()).decode()
                assert line, 'the connection has ended'
                if line.startswith('PING'):
                    self.say(line.strip().replace('PING', 'PONG', 1))
                if part in line:
                    return line
        return await asyncio.wait_for(wait(), 20)


def tell(step, is_right=True):
    print(json.dumps({'step': step, 'isRight': bool(is_right)}), flush=True)


def groupchat(nick, body):
    return lambda s: s.name == 'message' and s['type'] == 'groupchat' and s['from'].resource == nick and s['body'] == body


def presence(nick, kind):
    return lambda s: s.name == 'presence' and s['from'].resource == nick and s['from'].bare == ROOM.bare and s['type'] == kind


async def gateway(user):
    """The item of the server that is the gateway; it may come a moment after its users."""
    for _ in range(200):
        items = await user['xep_0030'].get_items(jid='localhost')
        for jid, _node, name in items['disco_items']['items']:
            if jid == OPTIONS['domain']:
                return name
        await asyncio.sleep(0.1)


async def main():
    romeo, juliet = User('romeo'), User('juliet')
    mercutio = Irc()
    await asyncio.gather(romeo.online, juliet.online)
    tell('finds the gateway among the items of the server', await gateway(romeo) == 'IRC')
    info = await romeo['xep_0030'].get_info(jid=OPTIONS['domain'])
    tell('learns that it is a gateway to IRC', any(i[:2] == ('conference', 'irc') for i in info['disco_info']['identities']))

    await mercutio.enter()
    await romeo.room.join_muc_wait(ROOM, 'romeo', timeout=20)
    tell('enters a channel', 'mercutio' in romeo.room.get_roster(ROOM))
    await juliet.room.join_muc_wait(ROOM, 'juliet', timeout=20)
    await romeo.hears(presence('juliet', 'available'))
    tell('sees who enters')

    romeo.send_message(mto=ROOM, mbody='But soft!', mtype='groupchat')
    await mercutio.hears('PRIVMSG #verona :But soft!')
    tell('is heard on IRC')
    await juliet.hears(groupchat('romeo', 'But soft!'))
    mercutio.say('PRIVMSG #verona :A plague o’ both your houses!')
    await juliet.hears(groupchat('mercutio', 'A plague o’ both your houses!'))
    tell('is heard by the other')

    juliet.send_message(mto=JID(f'{ROOM}/romeo'), mbody='Wherefore art thou?', mtype='chat')
    whisper = await romeo.hears(lambda s: s.name == 'message' and s['body'] == 'Wherefore art thou?')
    tell('whispers', whisper['type'] == 'chat' and whisper['from'].domain == OPTIONS['domain'])

    juliet.send_presence(pto=JID(f'{ROOM}/capulet'))
    await romeo.hears(presence('capulet', 'available'))
    tell('takes another nickname')
    juliet.room.leave_muc(ROOM, 'capulet')
    await romeo.hears(presence('capulet', 'unavailable'))
    tell('sees who leaves')

    archive = await romeo['xep_0313'].retrieve(with_jid=JID(whisper['from'].bare), timeout=20)
    bodies = [m['mam_result']['forwarded']['stanza']['body'] for m in archive['mam']['results']]
    tell('finds what was said in the archive', 'Wherefore art thou?' in bodies)

    for user in (romeo, juliet):
        await user.disconnect()


asyncio.run(main())
