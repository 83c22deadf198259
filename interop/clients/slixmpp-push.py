"""slixmpp registers with the server's push service and goes away (see slixmpp-push.test.ts); later another client says something."""

import asyncio
import json
import sys
from xml.etree import ElementTree as ET

from slixmpp import ClientXMPP

OPTIONS = json.loads(sys.argv[1])
FORMS = '{jabber:x:data}'


class Client(ClientXMPP):
    def __init__(self, name):
        super().__init__(f'{name}@localhost', OPTIONS['password'])
        self.ca_certs = OPTIONS['certificate']
        for plugin in ('xep_0030', 'xep_0004', 'xep_0050', 'xep_0199'):
            self.register_plugin(plugin)
        self.started = self.loop.create_future()
        self.add_event_handler('session_start', lambda _: self.started.done() or self.started.set_result(None))

    async def log_in(self):
        self.connect(('127.0.0.1', OPTIONS['port']))
        await self.started
        self.send_presence()

    async def asks(self, xml, to=None):
        iq = self.make_iq_set(ito=to)
        iq.append(ET.fromstring(xml))
        return (await iq.send()).xml


def form(**fields):
    written = ''.join(f"<field var='{name}'><value>{value}</value></field>" for name, value in fields.items())
    return f"<x xmlns='jabber:x:data' type='submit'>{written}</x>"


async def register(client):
    info = await client['xep_0030'].get_info(jid='push.localhost')
    assert ('pubsub', 'push') in [one[:2] for one in info['disco_info']['identities']], info
    info = await client['xep_0030'].get_info(jid='juliet@localhost')
    assert 'urn:xmpp:push:0' in info['disco_info']['features'], info
    answer = await client.asks(
        "<command xmlns='http://jabber.org/protocol/commands' node='urn:jackdaw:push:0#register'>"
        + form(app='news', kind='http', url=OPTIONS['url']) + '</command>', 'push.localhost')
    values = {field.get('var'): field.findtext(f'{FORMS}value') for field in answer.iter(f'{FORMS}field')}
    options = form(FORM_TYPE='http://jabber.org/protocol/pubsub#publish-options', secret=values['secret'])
    await client.asks(f"<enable xmlns='urn:xmpp:push:0' jid='{values['jid']}' node='{values['node']}'>{options}</enable>")


async def main():
    client = Client(OPTIONS['who'])
    await client.log_in()
    if OPTIONS['who'] == 'juliet':
        await register(client)
    else:
        client.send_message('juliet@localhost', OPTIONS['says'], mtype='chat')
        await client['xep_0199'].send_ping('localhost')
    await client.disconnect()


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 60))
