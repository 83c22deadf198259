"""slixmpp as a program that is told what to do, and tells what it hears, in lines of JSON (see peer.ts)."""

import asyncio
import json
import sys

from slixmpp import ClientXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath

PLUGINS = ('xep_0030', 'xep_0092', 'xep_0115', 'xep_0198', 'xep_0199', 'xep_0203', 'xep_0280', 'xep_0313', 'xep_0359')


def tell(kind, **about):
    print(json.dumps({'is': kind, **about}), flush=True)


class Client(ClientXMPP):
    def __init__(self, options):
        # A request for an acknowledgement after each stanza.
        super().__init__(options['jid'], options['password'], plugin_config={'xep_0198': {'window': 1}})
        self.options = options
        self.closing = False
        self.ca_certs = options['certificate']
        self.auto_authorize = None
        self.auto_subscribe = False
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        for event, heard in (
            ('sm_enabled', lambda _: tell('online', jid=str(self.boundjid))),
            ('session_resumed', lambda _: tell('resumed')),
            ('disconnected', self.gone),
            ('message', lambda m: tell('message', **{'from': str(m['from'])}, body=m['body'],
                                       delayed=m.get_plugin('delay', check=True) is not None)),
            ('carbon_received', lambda m: self.copy('received', m['carbon_received'])),
            ('carbon_sent', lambda m: self.copy('sent', m['carbon_sent'])),
            ('roster_update', self.pushed),
            ('stanza_acked', lambda s: s.name == 'message' and tell('acked', body=s['body'])),
        ):
            self.add_event_handler(event, heard)
        self.register_handler(Callback('each presence', StanzaPath('presence'), lambda p: tell(
            'presence', **{'from': str(p['from'])}, type=p.xml.get('type', ''), status=p['status'])))

    def open(self):
        self.closing = False
        # STARTTLS is insisted upon, and the certificate and its name are checked.
        self.connect(('127.0.0.1', self.options['port']), use_ssl=self.options['transport'] == 'tls')

    def gone(self, _):
        tell('offline')
        if not self.closing:
            self.loop.call_later(0.2, self.open)

    def copy(self, direction, carbon):
        message = carbon  # the plugin gives the message within
        tell('copy', direction=direction, **{'from': str(message['from'])}, to=str(message['to']), body=message['body'])

    def pushed(self, iq):
        if iq['type'] == 'set':
            for jid, item in iq['roster']['items'].items():
                tell('push', jid=str(jid), subscription=item['subscription'])

    async def ask(self, what):
        if what == 'roster':
            # The answer may say no more than that nothing has changed (RFC 6121, 2.6.3).
            await self.get_roster()
            return [{'jid': str(jid), 'subscription': self.client_roster[jid]['subscription']}
                    for jid in self.client_roster if jid != self.boundjid.bare]
        if what == 'ping':
            await self['xep_0199'].send_ping('localhost')
            return True
        if what == 'disco':
            return list((await self['xep_0030'].get_info(jid='localhost'))['disco_info']['features'])
        if what == 'version':
            answer = (await self['xep_0092'].get_version('localhost'))['software_version']
            return {'name': answer['name'], 'version': answer['version']}
        if what == 'carbons':
            await self['xep_0280'].enable()
            return True
        if what == 'archive':
            return [result['mam_result']['forwarded']['stanza']['body']
                    async for result in self['xep_0313'].iterate(rsm={'max': 7})]
        raise ValueError('no such thing')

    async def answer(self, what, number):
        try:
            tell('answer', number=number, value=await self.ask(what))
        except Exception as error:
            tell('refused', number=number, why=repr(error))

    def obey(self, line):
        command = json.loads(line)
        do = command['do']
        if do == 'connect':
            self.open()
        elif do == 'close':
            self.closing = True
            self.disconnect()
        elif do == 'presence':
            self.send_presence(pto=command.get('to'), ptype=command.get('type'), pstatus=command.get('status'))
        elif do == 'message':
            self.send_message(mto=command['to'], mbody=command['body'], mtype='chat')
        elif do == 'ask':
            asyncio.ensure_future(self.answer(command['what'], command['number']))


async def main():
    client = Client(json.loads(sys.argv[1]))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        client.obey(line)


asyncio.run(main())
