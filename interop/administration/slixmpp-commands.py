"""An administrator with slixmpp's plugins for XEP-0050 and XEP-0133, and an owner who gives hats (XEP-0317); each thing that went as its
plugin wants is told in a line of JSON."""

import asyncio
import json
import sys

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError

ROOM = 'coven@rooms.localhost'
ADMIN = 'http://jabber.org/protocol/admin#'
HATS = 'urn:xmpp:hats:commands:'
DEVICES = 'urn:jackdaw:devices:0#'
TEACHER = 'http://tech.example.edu/hats#Teacher'


class User(ClientXMPP):
    def __init__(self, name, options, resource=None):
        super().__init__(f'{name}@localhost/{resource or name}', options['password'])
        self.ca_certs = options['certificate']
        for plugin in ('xep_0004', 'xep_0030', 'xep_0045', 'xep_0050', 'xep_0133'):
            self.register_plugin(plugin)
        self.online = asyncio.get_running_loop().create_future()
        self.add_event_handler('session_start', self.started)
        self.connect(('127.0.0.1', options['port']))

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        self.online.set_result(True)

    def next(self, event):
        future = asyncio.get_running_loop().create_future()
        self.add_event_handler(event, lambda about: future.done() or future.set_result(about), disposable=True)
        return asyncio.wait_for(future, 20)

    async def through_its_form(self, start, answers):
        """Fills in the form that a command asks with; gives what it has found in the end."""
        ended = asyncio.get_running_loop().create_future()

        def failed(iq, _):
            ended.done() or ended.set_exception(IqError(iq))

        def completed(iq, _):
            ended.set_result(iq['command'])

        def asked(iq, session):
            form = iq['command']['form']
            form['type'] = 'submit'
            form.set_values({**form.get_values(), **answers})
            session.update(payload=form, next=completed, error=failed)
            self['xep_0050'].complete_command(session)

        start({'next': asked, 'error': failed})
        return await asyncio.wait_for(ended, 20)

    def command(self, jid, node, values):
        """In one step, by who knows the form."""
        form = self['xep_0004'].make_form(ftype='submit')
        for name, value in values.items():
            form.add_field(var=name, value=value)
        return self['xep_0050'].send_command(jid, node, payload=form, timeout=20)


def tell(step, is_right=True):
    print(json.dumps({'step': step, 'isRight': bool(is_right)}), flush=True)


async def main():
    options = json.loads(sys.argv[1])
    crone, hag = (User(name, options) for name in ('crone', 'hag'))
    await asyncio.gather(crone.online, hag.online)

    found = await crone['xep_0050'].get_commands('localhost')
    tell('finds the commands', ADMIN + 'add-user' in [item[1] for item in found['disco_items']['items']])
    found = await hag['xep_0050'].get_commands('localhost')
    tell('finds none as somebody else', all(DEVICES in item[1] for item in found['disco_items']['items']))

    done = await crone.through_its_form(
        lambda session: crone['xep_0133'].add_user('localhost', session),
        {'accountjid': 'macbeth@localhost', 'password': options['password'], 'password-verify': options['password']})
    macbeth = User('macbeth', options)
    await macbeth.online
    tell('makes an account, which logs in', done['status'] == 'completed')

    iq = await crone['xep_0050'].send_command('localhost', ADMIN + 'get-registered-users-num', timeout=20)
    tell('counts the accounts', iq['command']['form'].get_values()['registeredusersnum'] == '3')

    heard = macbeth.next('message')
    await crone.command('localhost', ADMIN + 'announce', {'announcement': ['Hail!']})
    tell('tells everybody something', (await heard)['body'] == 'Hail!')

    gone = macbeth.next('disconnected')
    await crone.through_its_form(
        lambda session: crone['xep_0133'].disable_user('localhost', session), {'accountjids': ['macbeth@localhost']})
    await gone
    macbeth.abort()
    macbeth = User('macbeth', options)
    await macbeth.next('failed_all_auth')
    macbeth.abort()
    tell('disables the account, which is not let in')

    await crone.through_its_form(
        lambda session: crone['xep_0133'].reenable_user('localhost', session), {'accountjids': ['macbeth@localhost']})
    macbeth = User('macbeth', options)
    await macbeth.online
    tell('enables it again')

    found = await macbeth['xep_0050'].send_command('localhost', DEVICES + 'list', timeout=20)
    other = User('macbeth', options, 'lost')
    await other.online
    gone = other.next('disconnected')
    await macbeth.command('localhost', DEVICES + 'sign-out', {'device': 'session:' + other.boundjid.resource})
    await gone
    other.abort()
    tell('sees its own sessions, and signs one out', len(found['command']['form']['items']) == 1)

    gone = macbeth.next('disconnected')
    await crone.command('localhost', ADMIN + 'delete-user', {'accountjids': ['macbeth@localhost']})
    await gone
    tell('removes the account')
    macbeth.abort()

    try:
        await hag.command('localhost', ADMIN + 'delete-user', {'accountjids': ['crone@localhost']})
        tell('is refused as somebody else', False)
    except IqError as error:
        tell('is refused as somebody else', error.iq['error']['condition'] == 'forbidden')

    await crone['xep_0045'].join_muc_wait(ROOM, 'firstwitch', timeout=20)
    await crone['xep_0045'].set_room_config(ROOM, crone['xep_0004'].make_form(ftype='submit'))
    await hag['xep_0045'].join_muc_wait(ROOM, 'thirdwitch', timeout=20)
    await crone.through_its_form(
        lambda session: crone['xep_0050'].start_command(ROOM, HATS + 'create', session),
        {'hats#uri': TEACHER, 'hats#title': 'Teacher'})
    seen = crone.next(f'muc::{ROOM}::presence')
    await crone.command(ROOM, HATS + 'assign', {'hats#jid': 'hag@localhost', 'hats#uri': TEACHER})
    hats = (await seen).xml.findall('{urn:xmpp:hats:0}hats/{urn:xmpp:hats:0}hat')
    tell('gives a hat, and sees it worn', [hat.get('title') for hat in hats] == ['Teacher'])


asyncio.run(main())
