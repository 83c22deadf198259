"""Two users of slixmpp with its plugins for XEP-0060, XEP-0163, XEP-0084, XEP-0223 and XEP-0048; each thing that went as its
plugin wants is told in a line of JSON."""

import asyncio
import json
import sys
from xml.etree import ElementTree

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0048.stanza import Bookmarks

SERVICE = 'pubsub.localhost'
NODE = 'princely_musings'
ATOM = 'http://www.w3.org/2005/Atom'
BOOKMARKS = 'urn:xmpp:bookmarks:1'
ROOM = 'theplay@rooms.localhost'
PLUGINS = ('xep_0004', 'xep_0030', 'xep_0048', 'xep_0049', 'xep_0059', 'xep_0060', 'xep_0084', 'xep_0115', 'xep_0163',
           'xep_0223')


class User(ClientXMPP):
    def __init__(self, name, resource, options):
        super().__init__(f'{name}@localhost/{resource}', options['password'])
        self.ca_certs = options['certificate']
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.nodes = self['xep_0060']
        self.heard = asyncio.Queue()
        self.online = asyncio.get_running_loop().create_future()
        self.add_event_handler('session_start', self.started)
        for event in ('pubsub_publish', 'pubsub_retract', 'pubsub_purge', 'pubsub_delete', 'pubsub_config',
                      'avatar_metadata_publish'):
            self.add_event_handler(event, lambda message, event=event: self.heard.put_nowait((event, message)))
        self.connect(('127.0.0.1', options['port']))

    async def started(self, _):
        await self['xep_0115'].update_caps()
        self.send_presence()
        await self.get_roster()
        self.online.set_result(True)

    async def hears(self, wanted):
        """The next event of that name."""
        while True:
            event, message = await asyncio.wait_for(self.heard.get(), 20)
            if event == wanted:
                return message


def tell(step, is_right=True):
    print(json.dumps({'step': step, 'isRight': bool(is_right)}), flush=True)


def entry(title):
    payload = ElementTree.Element(f'{{{ATOM}}}entry')
    ElementTree.SubElement(payload, f'{{{ATOM}}}title').text = title
    return payload


async def refused(request, condition):
    try:
        await request
    except IqError as error:
        return error.condition == condition
    return False


def ids(answer):
    return [item['id'] for item in answer['pubsub']['items']]


async def service(hamlet, francisco):
    info = await hamlet['xep_0030'].get_info(jid=SERVICE)
    tell('finds the service', ('pubsub', 'service', None, 'Publish-Subscribe') in info['disco_info']['identities'])

    config = hamlet['xep_0004'].make_form('submit')
    config.add_field(var='pubsub#title', value='Princely Musings')
    config.add_field(var='pubsub#notify_config', value='1')
    await hamlet.nodes.create_node(SERVICE, NODE, config=config)
    tell('makes a node', await refused(hamlet.nodes.create_node(SERVICE, NODE), 'conflict'))
    form = (await hamlet.nodes.get_node_config(SERVICE, NODE))['pubsub_owner']['configure']['form']
    tell('reads its form', form.get_values()['pubsub#title'] == 'Princely Musings')
    nodes = await francisco.nodes.get_nodes(SERVICE)
    tell('finds the node', (SERVICE, NODE, 'Princely Musings') in nodes['disco_items']['items'])

    subscription = (await francisco.nodes.subscribe(SERVICE, NODE))['pubsub']['subscription']
    tell('subscribes', subscription['subscription'] == 'subscribed' and subscription['subid'])
    await hamlet.nodes.publish(SERVICE, NODE, id='a', payload=entry('Soliloquy'))
    item = (await francisco.hears('pubsub_publish'))['pubsub_event']['items']['item']
    tell('hears an item', item['id'] == 'a' and item['payload'][0].text == 'Soliloquy')
    for number in range(7):
        await hamlet.nodes.publish(SERVICE, NODE, id=str(number), payload=entry(str(number)))
    tell('reads all items', ids(await francisco.nodes.get_items(SERVICE, NODE)) == ['a', *'0123456'])
    tell('reads the newest', ids(await francisco.nodes.get_items(SERVICE, NODE, max_items=2)) == ['5', '6'])
    one = await francisco.nodes.get_item(SERVICE, NODE, 'a')
    tell('reads one', one['pubsub']['items']['item']['payload'][0].text == 'Soliloquy')
    tell('is refused what it may not', await refused(francisco.nodes.publish(SERVICE, NODE, payload=entry('x')), 'forbidden'))

    await hamlet.nodes.modify_affiliations(SERVICE, NODE, [('francisco@localhost', 'publisher')])
    await francisco.nodes.publish(SERVICE, NODE, id='mine', payload=entry('mine'))
    tell('becomes a publisher')
    listed = await hamlet.nodes.get_node_subscriptions(SERVICE, NODE)
    tell('lists subscribers', [str(one['jid']) for one in listed['pubsub_owner']['subscriptions']] == ['francisco@localhost'])
    await hamlet.nodes.retract(SERVICE, NODE, 'a', notify=True)
    retracted = await francisco.hears('pubsub_retract')
    tell('hears a retraction', retracted['pubsub_event']['items']['retract']['id'] == 'a')
    config = hamlet['xep_0004'].make_form('submit')
    config.add_field(var='FORM_TYPE', ftype='hidden', value='http://jabber.org/protocol/pubsub#node_config')
    config.add_field(var='pubsub#title', value='Musings')
    await hamlet.nodes.set_node_config(SERVICE, NODE, config)
    await francisco.hears('pubsub_config')
    tell('hears a change of configuration')
    await hamlet.nodes.purge(SERVICE, NODE)
    await francisco.hears('pubsub_purge')
    tell('hears a purge', ids(await francisco.nodes.get_items(SERVICE, NODE)) == [])
    await hamlet.nodes.delete_node(SERVICE, NODE)
    await francisco.hears('pubsub_delete')
    tell('hears a deletion', await refused(francisco.nodes.get_items(SERVICE, NODE), 'item-not-found'))


async def avatars(hamlet, francisco, options):
    # Each accepts the other by itself: it is what slixmpp does.
    francisco.send_presence_subscription(pto='hamlet@localhost')
    while hamlet.client_roster['francisco@localhost']['subscription'] != 'both':
        await asyncio.sleep(0.05)
    image = bytes(range(256)) * 40
    avatar = hamlet['xep_0084']
    digest = avatar.generate_id(image)
    await avatar.publish_avatar(image)
    await avatar.publish_avatar_metadata([{'id': digest, 'type': 'image/png', 'bytes': str(len(image))}])
    heard = await francisco.hears('avatar_metadata_publish')
    info = heard['pubsub_event']['items']['item']['avatar_metadata']['items'][0]
    tell('hears of an avatar', heard['from'] == 'hamlet@localhost' and info['id'] == digest)
    data = await francisco['xep_0084'].retrieve_avatar('hamlet@localhost', digest)
    tell('reads the avatar', data['pubsub']['items']['item']['avatar_data']['value'] == image)
    second = User('francisco', 'castle', options)
    await second.online
    late = await second.hears('avatar_metadata_publish')
    tell('hears of it when it comes', late['pubsub_event']['items']['item']['id'] == digest)


async def bookmarks(hamlet):
    kept = Bookmarks()
    kept.add_conference(ROOM, nick='JC')
    await hamlet['xep_0048'].set_bookmarks(kept, method='xep_0223', id='current')
    newer = await hamlet.nodes.get_items(None, BOOKMARKS)
    tell('keeps bookmarks in its node, and they are found as XEP-0402 has them', ids(newer) == [ROOM])
    old = await hamlet['xep_0048'].get_bookmarks(method='xep_0049')
    tell('reads them in private storage', [conference['jid'] for conference in old['private']['bookmarks']['conferences']] == [ROOM])
    await hamlet['xep_0048'].set_bookmarks(Bookmarks(), method='xep_0049')
    tell('removes them there', ids(await hamlet.nodes.get_items(None, BOOKMARKS)) == [])


async def main():
    options = json.loads(sys.argv[1])
    hamlet, francisco = User('hamlet', 'elsinore', options), User('francisco', 'barracks', options)
    await asyncio.gather(hamlet.online, francisco.online)
    await service(hamlet, francisco)
    await avatars(hamlet, francisco, options)
    await bookmarks(hamlet)


asyncio.run(main())
