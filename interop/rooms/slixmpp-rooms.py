"""Three users of slixmpp live through a room with its plugins for XEP-0045, XEP-0249, XEP-0313, XEP-0333 and XEP-0421, and ask for their
inboxes; each thing that
went as its plugin wants is told in a line of JSON."""

import asyncio
import json
import sys

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError, PresenceError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.matcher import MatchXPath, StanzaPath

ROOM = JID('coven@rooms.localhost')
INBOX = '{urn:xmpp:inbox:1}'
PLUGINS = ('xep_0004', 'xep_0030', 'xep_0045', 'xep_0059', 'xep_0199', 'xep_0203', 'xep_0249', 'xep_0313', 'xep_0333',
           'xep_0359', 'xep_0421')


class User(ClientXMPP):
    def __init__(self, name, options):
        super().__init__(f'{name}@localhost/{name}', options['password'])
        self.ca_certs = options['certificate']
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.room = self['xep_0045']
        self.online = asyncio.get_running_loop().create_future()
        self.add_event_handler('session_start', self.started)
        self.connect(('127.0.0.1', options['port']))

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        self.online.set_result(True)

    async def unread(self, jid):
        """How much a conversation has that is unread, with its last message (XEP-0430)."""
        found = []
        self.register_handler(Callback('inbox', MatchXPath('{jabber:client}message/' + INBOX + 'entry'), found.append))
        iq = self.make_iq_get()
        iq.append(ET.Element(INBOX + 'inbox'))
        await iq.send(timeout=20)
        self.remove_handler('inbox')
        for message in found:
            entry = message.xml.find(INBOX + 'entry')
            if entry.get('jid') == jid:
                return int(entry.get('unread')), entry.get('id'), message.xml.findtext('.//{jabber:client}body')

    def next(self, event):
        """What the event brings when it happens next."""
        future = asyncio.get_running_loop().create_future()
        self.add_event_handler(event, lambda about: future.done() or future.set_result(about), disposable=True)
        return asyncio.wait_for(future, 20)


def tell(step, is_right=True):
    print(json.dumps({'step': step, 'isRight': bool(is_right)}), flush=True)


async def main():
    options = json.loads(sys.argv[1])
    crone, hag, macbeth = (User(name, options) for name in ('crone', 'hag', 'macbeth'))
    await asyncio.gather(crone.online, hag.online, macbeth.online)

    items = await crone['xep_0030'].get_items(jid='localhost')
    tell('finds the service', any(item[0] == ROOM.domain for item in items['disco_items']['items']))

    await crone.room.join_muc_wait(ROOM, 'firstwitch', timeout=20)
    tell('makes a room')
    form = await crone.room.get_room_config(ROOM)
    form['type'] = 'submit'
    values = form.get_values()
    values.update({'muc#roomconfig_roomname': 'A Dark Cave', 'muc#roomconfig_persistentroom': True,
                   'muc#roomconfig_changesubject': False})
    form.set_values(values)
    await crone.room.set_room_config(ROOM, form)
    tell('configures it by its form')

    came = crone.next(f'muc::{ROOM}::got_online')
    joined = await hag.room.join_muc_wait(ROOM, 'thirdwitch', timeout=20)
    tell('enters', sorted(hag.room.get_roster(str(ROOM))) == ['firstwitch', 'thirdwitch'] and joined is not None)
    tell('sees who enters', (await came)['from'].resource == 'thirdwitch')

    heard = crone.next(f'muc::{ROOM}::message')
    own = hag.next(f'muc::{ROOM}::message')
    hag.send_message(mto=ROOM, mbody='Harpier cries', mtype='groupchat')
    message = await heard
    tell('hears a message', message['body'] == 'Harpier cries' and message['mucnick'] == 'thirdwitch')
    tell('is given an occupant-id', message['occupant-id']['id'] == (await own)['occupant-id']['id'] != '')
    tell('is given a stanza-id', message['stanza_id']['by'] == ROOM)

    whispered = crone.next('message')
    hag.send_message(mto=f'{ROOM}/firstwitch', mbody='psst', mtype='chat')
    tell('hears a private message', (await whispered)['from'] == f'{ROOM}/thirdwitch')

    subject = hag.next('groupchat_subject')
    crone.room.set_subject(ROOM, 'Spells')
    tell('hears a subject', (await subject)['subject'] == 'Spells')

    await hag['xep_0199'].send_ping(JID(f'{ROOM}/thirdwitch'))
    tell('pings itself')

    renamed = crone.next(f'muc::{ROOM}::got_online')
    hag.send_presence(pto=f'{ROOM}/oldhag')
    tell('sees a new nickname', (await renamed)['from'] == f'{ROOM}/oldhag')

    await crone.room.set_affiliation(ROOM, affiliation='member', jid='hag@localhost')
    members = await crone.room.get_affiliation_list(ROOM, 'member')
    tell('makes a member', [str(jid) for jid in members] == ['hag@localhost'])
    await crone.room.set_role(ROOM, 'oldhag', 'moderator')
    moderators = await crone.room.get_roles_list(ROOM, 'moderator')
    tell('makes a moderator', sorted(moderators) == ['firstwitch', 'oldhag'])
    try:
        await hag.room.set_affiliation(ROOM, affiliation='outcast', jid='crone@localhost')
        tell('is refused what it may not', False)
    except IqError as error:
        tell('is refused what it may not', error.condition == 'forbidden')

    invited = macbeth.next('groupchat_invite')
    crone.room.invite(ROOM, 'macbeth@localhost', reason='Come')
    tell('is invited through the room', (await invited)['muc']['invite']['reason'] == 'Come')
    # slixmpp 1.8 fails before it tells of one.
    crone.register_handler(Callback('decline', StanzaPath('message/muc/decline'), lambda m: crone.event('declined', m)))
    declined = crone.next('declined')
    macbeth.room.decline(ROOM, 'crone@localhost', reason='Busy')
    tell('hears that an invitation is declined', (await declined)['muc']['decline']['reason'] == 'Busy')
    direct = hag.next('groupchat_direct_invite')
    crone['xep_0249'].send_invitation(JID('hag@localhost'), ROOM)
    tell('is invited directly', JID((await direct)['groupchat_invite']['jid']) == ROOM)

    bodies = [result['mam_result']['forwarded']['stanza']['body'] async for result in hag['xep_0313'].iterate(jid=ROOM)]
    tell('reads the archive', [body for body in bodies if body] == ['Harpier cries'])

    await crone.room.set_affiliation(ROOM, affiliation='member', jid='macbeth@localhost')
    form = await crone.room.get_room_config(ROOM)
    form['type'] = 'submit'
    form.set_values({**form.get_values(), 'muc#roomconfig_membersonly': True})
    await crone.room.set_room_config(ROOM, form)
    heard = hag.next(f'muc::{ROOM}::message')
    crone.send_message(mto=ROOM, mbody='Double, double', mtype='groupchat')
    await heard
    unread, last, body = await macbeth.unread(ROOM)
    tell('finds a room for members only in its inbox', unread > 0 and body == 'Double, double')
    await macbeth.room.join_muc_wait(ROOM, 'thane', maxstanzas=0, timeout=20)
    marker = macbeth.make_message(mto=ROOM, mtype='groupchat')
    marker['displayed']['id'] = last
    marker.send()
    tell('has read it', (await macbeth.unread(ROOM))[0] == 0)

    left = hag.next(f'muc::{ROOM}::got_offline')
    await crone.room.set_role(ROOM, 'oldhag', 'none', reason='Avaunt')
    tell('is kicked', '307' in {str(code) for code in (await left)['muc']['status_codes']})
    await crone.room.set_affiliation(ROOM, affiliation='outcast', jid='hag@localhost')
    try:
        await hag.room.join_muc_wait(ROOM, 'again', timeout=20)
        tell('is banned', False)
    except PresenceError as error:
        tell('is banned', error.condition == 'forbidden')
    await crone.room.destroy(ROOM, reason='Macbeth doth come')
    try:
        await crone.room.get_room_config(ROOM)
        tell('destroys the room', False)
    except IqError as error:
        tell('destroys the room', error.condition == 'item-not-found')
    for user in (crone, hag, macbeth):
        await user.disconnect()


asyncio.run(main())
