"""slixmpp's plugins for what people do with one another, against a server; tells in a line of JSON how each went (see slixmpp-people.test.ts)."""

import asyncio
import hashlib
import json
import sys

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0048.stanza import Bookmarks
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath

OPTIONS = json.loads(sys.argv[1])
PLUGINS = ('xep_0030', 'xep_0048', 'xep_0049', 'xep_0054', 'xep_0060', 'xep_0084', 'xep_0085', 'xep_0115', 'xep_0153',
           'xep_0163', 'xep_0191', 'xep_0198', 'xep_0199', 'xep_0203', 'xep_0280', 'xep_0313', 'xep_0352', 'xep_0359')
PNG = bytes.fromhex('89504e470d0a1a0a') + b'an image'
HASH = hashlib.sha1(PNG).hexdigest()


class Client(ClientXMPP):
    def __init__(self, jid):
        super().__init__(jid, OPTIONS['password'])
        self.ca_certs = OPTIONS['certificate']
        self.auto_authorize = True
        self.auto_subscribe = True
        self.heard = []
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        for event in ('session_start', 'blocked', 'unblocked', 'carbon_received', 'carbon_sent', 'avatar_metadata_publish'):
            self.add_event_handler(event, lambda about, event=event: self.hear(event, about))
        self.register_handler(Callback('all messages', StanzaPath('message'), lambda m: self.hear('message', m)))
        self.register_handler(Callback('all presence', StanzaPath('presence'), lambda p: self.hear('presence', p)))

    def hear(self, kind, about):
        self.heard.append((kind, about))

    async def hears(self, kind, is_like=lambda about: True):
        """The first like this, which is taken out; fails after a while."""
        for _ in range(1500):
            for one in self.heard:
                if one[0] == kind and is_like(one[1]):
                    self.heard.remove(one)
                    return one[1]
            await asyncio.sleep(0.02)
        raise AssertionError(f'{self.boundjid} never heard {kind}, but {[(k, str(a)) for k, a in self.heard]}')

    async def log_in(self):
        self.connect(('127.0.0.1', OPTIONS['port']))
        await self.hears('session_start')
        await self.get_roster()
        self.send_presence()
        await self.hears('presence', lambda p: p['from'] == self.boundjid)
        return self

    async def sync(self):
        await self['xep_0199'].send_ping('localhost')


def body(text):
    return lambda message: message['body'] == text


async def befriend(romeo, juliet):
    romeo.send_presence_subscription(juliet.boundjid.bare)
    await romeo.hears('presence', lambda p: p['from'] == juliet.boundjid)
    await juliet.hears('presence', lambda p: p['from'] == romeo.boundjid)


async def blocking(romeo, juliet):
    await juliet['xep_0191'].get_blocked()
    await juliet['xep_0191'].block(romeo.boundjid.bare)
    await juliet.hears('blocked')
    await romeo.hears('presence', lambda p: p['type'] == 'unavailable' and p['from'] == juliet.boundjid)
    listed = (await juliet['xep_0191'].get_blocked())['blocklist']['items']
    assert [str(jid) for jid in listed] == [romeo.boundjid.bare], listed
    romeo.send_message(mto=juliet.boundjid.bare, mbody='can you hear me?', mtype='chat')
    error = await romeo.hears('message', lambda m: m['type'] == 'error')
    assert error['error']['condition'] == 'service-unavailable', error
    juliet.send_message(mto=romeo.boundjid.bare, mbody='no', mtype='chat')
    error = await juliet.hears('message', lambda m: m['type'] == 'error')
    assert error['error']['condition'] == 'not-acceptable', error
    await juliet['xep_0191'].unblock(romeo.boundjid.bare)
    await juliet.hears('unblocked')
    await romeo.hears('presence', lambda p: p['type'] == 'available' and p['from'] == juliet.boundjid)
    romeo.send_message(mto=juliet.boundjid.bare, mbody='and now?', mtype='chat')
    await juliet.hears('message', body('and now?'))


async def vcards(romeo, juliet):
    card = juliet['xep_0054'].make_vcard()
    card['FN'] = 'Juliet Capulet'
    await juliet['xep_0054'].publish_vcard(card)
    got = await romeo['xep_0054'].get_vcard(juliet.boundjid.bare, cached=False)
    assert got['vcard_temp']['FN'] == 'Juliet Capulet', got
    try:
        await juliet['xep_0054'].get_vcard('nobody@localhost', cached=False)
        raise AssertionError('nobody has a vCard')
    except IqError as error:
        assert error.condition == 'service-unavailable', error


async def vcard_avatar(romeo, juliet):
    await juliet['xep_0153'].set_avatar(avatar=PNG, mtype='image/png')
    await romeo.hears('presence', lambda p: p['from'] == juliet.boundjid and p['vcard_temp_update']['photo'] == HASH)
    card = (await romeo['xep_0054'].get_vcard(juliet.boundjid.bare, cached=False))['vcard_temp']
    assert card['PHOTO']['BINVAL'] == PNG and card['FN'] == 'Juliet Capulet', card
    # XEP-0398: it is at the node, too, and who wants to hear of it has.
    await romeo.hears('avatar_metadata_publish', lambda m: m['from'].bare == juliet.boundjid.bare)
    item = await romeo['xep_0084'].retrieve_avatar(juliet.boundjid.bare, HASH)
    assert item['pubsub']['items']['item']['avatar_data']['value'] == PNG, item


async def csi(romeo, juliet):
    await juliet.sync()
    juliet.heard.clear()
    juliet['xep_0352'].send_inactive()
    # Its answer comes when the client has been found inactive.
    await juliet.sync()
    romeo.send_presence(pstatus='away')
    typing = romeo.make_message(juliet.boundjid, mtype='chat')
    typing['chat_state'] = 'composing'
    typing.send()
    await romeo.sync()
    romeo.send_message(mto=juliet.boundjid, mbody='wake up', mtype='chat')
    await juliet.hears('message', body('wake up'))
    assert [kind for kind, _ in juliet.heard] == ['presence', 'message'], [str(about) for _, about in juliet.heard]
    # What was held back says so (XEP-0203).
    assert all(about.get_plugin('delay', check=True) is not None for _, about in juliet.heard), juliet.heard
    juliet['xep_0352'].send_active()
    await juliet.sync()


async def carbons_and_archive(romeo, juliet):
    phone = await Client('juliet@localhost/phone').log_in()
    await phone['xep_0280'].enable()
    juliet.send_message(mto=romeo.boundjid.bare, mbody='from the balcony', mtype='chat')
    await phone.hears('carbon_sent', lambda m: m['carbon_sent']['body'] == 'from the balcony')
    await romeo.hears('message', body('from the balcony'))
    romeo.send_message(mto=juliet.boundjid, mbody='to the balcony', mtype='chat')
    await phone.hears('carbon_received', lambda m: m['carbon_received']['body'] == 'to the balcony')
    found = [result['mam_result']['forwarded']['stanza']['body']
             async for result in phone['xep_0313'].iterate(with_jid=romeo.boundjid.bare, rsm={'max': 2})]
    assert found[-2:] == ['from the balcony', 'to the balcony'] and 'and now?' in found, found
    # What was refused is in nobody's archive.
    assert 'can you hear me?' not in found and 'no' not in found, found
    await phone.disconnect()


async def private_storage(romeo, juliet):
    bookmarks = Bookmarks()
    bookmarks.add_conference('room@rooms.localhost', 'Juliet', name='A room', autojoin=True)
    await juliet['xep_0048'].set_bookmarks(bookmarks, method='xep_0049')
    stored = await juliet['xep_0048'].get_bookmarks(method='xep_0049')
    assert 'room@rooms.localhost' in str(stored), stored


async def main():
    romeo = await Client('romeo@localhost/garden').log_in()
    juliet = await Client('juliet@localhost/balcony').log_in()
    for act in (befriend, blocking, vcards, vcard_avatar, csi, carbons_and_archive, private_storage):
        try:
            await act(romeo, juliet)
            why = None
        except Exception as error:
            why = repr(error)
        print(json.dumps({'name': act.__name__, 'why': why}), flush=True)


asyncio.get_event_loop().run_until_complete(main())
