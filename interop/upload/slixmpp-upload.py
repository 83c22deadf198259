"""slixmpp's plugin for HTTP File Upload against a server; tells in a line of JSON how each act went (see slixmpp-upload.test.ts)."""

import asyncio
import io
import json
import ssl
import sys
from pathlib import Path

from aiohttp import ClientSession
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0363 import FileTooBig

OPTIONS = json.loads(sys.argv[1])
CONTENT = bytes(range(256)) * 8192


class Client(ClientXMPP):
    def __init__(self):
        super().__init__(OPTIONS['jid'], OPTIONS['password'])
        self.ca_certs = OPTIONS['certificate']
        self.register_plugin('xep_0363')

    async def log_in(self):
        started = asyncio.get_running_loop().create_future()
        self.add_event_handler('session_start', lambda _: started.set_result(None))
        self.connect(('127.0.0.1', OPTIONS['port']))
        await asyncio.wait_for(started, 30)


async def get(url, **headers):
    context = ssl.create_default_context(cafile=OPTIONS['certificate'])
    async with ClientSession() as session, session.get(url, headers=headers, ssl=context) as response:
        return response, await response.read()


async def discovery(client):
    # The plugin's own search fails under Python 3.11 (asyncio.wait takes no coroutines there): the same in steps.
    items = (await client['xep_0030'].get_items('localhost'))['disco_items']['items']
    assert any(jid == 'upload.localhost' for jid, _, _ in items), items
    info = (await client['xep_0030'].get_info('upload.localhost'))['disco_info']
    assert ('store', 'file') in {identity[:2] for identity in info['identities']}, info
    assert 'urn:xmpp:http:upload:0' in info['features'], info
    plugin = client['xep_0363']
    plugin.upload_service = 'upload.localhost'
    plugin.max_file_size = int(info['form']['values']['max-file-size'])


async def upload(client):
    url = await client['xep_0363'].upload_file(Path('très cool.png'), input_file=io.BytesIO(CONTENT))
    response, content = await get(url)
    assert content == CONTENT, len(content)
    assert response.headers['Content-Type'] == 'image/png', response.headers
    assert response.headers['X-Content-Type-Options'] == 'nosniff', response.headers
    return url


async def part(client):
    url = await client['xep_0363'].upload_file(Path('a.bin'), input_file=io.BytesIO(CONTENT))
    response, content = await get(url, Range='bytes=1000-1999')
    assert response.status == 206 and content == CONTENT[1000:2000], response


async def script(client):
    url = await client['xep_0363'].upload_file(Path('a.html'), input_file=io.BytesIO(b'<script>alert(1)</script>'))
    response, _ = await get(url)
    assert response.headers['Content-Type'] == 'application/octet-stream', response.headers
    assert response.headers['Content-Disposition'].startswith('attachment'), response.headers


async def too_large(client):
    try:
        await client['xep_0363'].upload_file(Path('a.bin'), size=2**40, input_file=io.BytesIO())
    except FileTooBig as error:
        assert error.args[1] == 100 * 2**20, error
    else:
        raise AssertionError('the plugin did not know the limit')
    try:
        await client['xep_0363'].request_slot('upload.localhost', 'a.bin', 2**40)
    except IqError as error:
        assert error.condition == 'not-acceptable', error
    else:
        raise AssertionError('there was a slot')


async def main():
    client = Client()
    await client.log_in()
    for act in (discovery, upload, part, script, too_large):
        try:
            print(json.dumps({'name': act.__name__, 'why': None, 'value': await asyncio.wait_for(act(client), 60)}))
        except Exception as error:  # whatever it is, it is told
            print(json.dumps({'name': act.__name__, 'why': repr(error)}))


asyncio.run(main())
