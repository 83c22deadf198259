"""Users of slixmpp before and after the death of the server: what they find is told in a line of JSON."""

import asyncio
import json
import sys

from slixmpp import JID, ClientXMPP
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath, StanzaPath

ROOM = JID('coven@rooms.localhost')
INBOX = '{urn:xmpp:inbox:1}'


class User(ClientXMPP):
    def __init__(self, name, options):
        super().__init__(f'{name}@localhost/{name}', options['password'])
        self.ca_certs = options['certificate']
        for plugin in ('xep_0004', 'xep_0030', 'xep_0045', 'xep_0333'):
            self.register_plugin(plugin)
        self.room = self['xep_0045']
        self.online = asyncio.get_running_loop().create_future()
        self.add_event_handler('session_start', self.started)
        self.connect(('127.0.0.1', options['port']))

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        self.online.set_result(True)

    def next(self, event):
        """What the event brings when it happens next."""
        future = asyncio.get_running_loop().create_future()
        self.add_event_handler(event, lambda about: future.done() or future.set_result(about), disposable=True)
        return asyncio.wait_for(future, 20)

    async def inbox(self):
        """Conversations with what is unread in them, the last id, and the last message (XEP-0430)."""
        found = []
        self.register_handler(Callback('inbox', MatchXPath('{jabber:client}message/' + INBOX + 'entry'), found.append))
        iq = self.make_iq_get()
        iq.append(ET.Element(INBOX + 'inbox'))
        await iq.send(timeout=20)
        self.remove_handler('inbox')
        return [(message.xml.find(INBOX + 'entry'), message.xml.findtext('.//{jabber:client}body')) for message in found]

    async def room_unread(self):
        return [f"{entry.get('unread')} {body}" for entry, body in await self.inbox() if entry.get('jid') == ROOM]


async def before(crone, macbeth, hag):
    await crone.room.join_muc_wait(ROOM, 'firstwitch', maxstanzas=0, timeout=20)
    form = await crone.room.get_room_config(ROOM)
    form['type'] = 'submit'
    form.set_values({**form.get_values(), 'muc#roomconfig_persistentroom': True})
    await crone.room.set_room_config(ROOM, form)
    await crone.room.set_affiliation(ROOM, affiliation='member', jid='macbeth@localhost')
    ids = []
    for body in ('one', 'two', 'three'):
        heard = crone.next(f'muc::{ROOM}::message')
        crone.send_message(mto=ROOM, mbody=body, mtype='groupchat')
        ids.append((await heard).xml.find('{urn:xmpp:sid:0}stanza-id').get('id'))
    form = await crone.room.get_room_config(ROOM)
    form['type'] = 'submit'
    form.set_values({**form.get_values(), 'muc#roomconfig_membersonly': True})
    await crone.room.set_room_config(ROOM, form)
    marker = macbeth.make_message(mto=ROOM, mtype='groupchat')
    marker['displayed']['id'] = ids[0]
    marker.send()
    invited = hag.next('groupchat_invite')
    crone.room.invite(ROOM, 'hag@localhost', reason='Come')
    await invited
    return {'unread': await macbeth.room_unread()}


async def after(crone, macbeth, hag):
    # slixmpp 1.8 fails before it tells of one.
    crone.register_handler(Callback('decline', StanzaPath('message/muc/decline'), lambda m: crone.event('declined', m)))
    declined = crone.next('declined')
    hag.room.decline(ROOM, 'crone@localhost', reason='Busy')
    reason = (await declined)['muc']['decline']['reason']
    return {'unread': await macbeth.room_unread(), 'declined': reason}


async def main():
    options = json.loads(sys.argv[1])
    users = [User(name, options) for name in ('crone', 'macbeth', 'hag')]
    await asyncio.gather(*(user.online for user in users))
    print(json.dumps(await (before if options['phase'] == 'before' else after)(*users)), flush=True)
    # The server is to die while they are there.
    if options['phase'] == 'after':
        for user in users:
            await user.disconnect()
    else:
        await asyncio.sleep(60)


asyncio.run(main())
