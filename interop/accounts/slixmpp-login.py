"""Logs in once with slixmpp; tells in a line of JSON how that went: 'in', or with what it was refused."""

import asyncio
import json
import sys

from slixmpp import ClientXMPP

OPTIONS = json.loads(sys.argv[1])


async def main():
    client = ClientXMPP(OPTIONS['jid'], OPTIONS['password'])
    client.ca_certs = OPTIONS['certificate']
    outcome = asyncio.get_running_loop().create_future()

    def tell(text):
        outcome.done() or outcome.set_result(text)

    client.add_event_handler('session_start', lambda _: tell('in'))
    client.add_event_handler('failed_auth', lambda failure: tell(failure['condition']))
    client.add_event_handler('failed_all_auth', lambda _: tell('no mechanism'))
    client.connect(('127.0.0.1', OPTIONS['port']))
    told = await asyncio.wait_for(outcome, 30)
    mechanisms = sorted(client['feature_mechanisms'].mech_list)
    print(json.dumps({'outcome': told, 'mechanisms': mechanisms}), flush=True)
    client.abort()


asyncio.get_event_loop().run_until_complete(main())
