import {
  channelSearchNs,
  commandsNs,
  type DiscoInfo,
  type DiscoItem,
  discoInfoNs,
  discoItemsNs,
  type Form,
  formTypeField,
  fullTextNs,
  hatsNs,
  type Identity,
  type Jid,
  mamNs,
  mucActivityField,
  moderationNs,
  mucNickNode,
  mucNs,
  mucRoomInfoForm,
  mucSelfPingFeature,
  mucStableIdFeature,
  occupantIdNs,
  pingNs,
  registerNs,
  retractionNs,
  StanzaError,
  stanzaIdNs,
  vcardNs,
} from '@jackdaw/xmpp'
import { describeCommand, listCommands } from '../commands/ad-hoc.ts'
import { mayListen } from './archive.ts'
import { avatarHashes } from './avatar.ts'
import { hatCommands } from './hat-commands.ts'
import { isBroadcast } from './presence.ts'
import type { Room } from './room.ts'
import { subjectMessage } from './subject.ts'

const ofRooms = [
  discoInfoNs,
  discoItemsNs,
  mucNs,
  mucStableIdFeature,
  mucSelfPingFeature,
  occupantIdNs,
  stanzaIdNs,
  moderationNs,
  hatsNs,
  commandsNs,
  retractionNs,
  `${retractionNs}#tombstone`,
  registerNs,
  vcardNs,
]
const ofService = [channelSearchNs, discoInfoNs, discoItemsNs, mucNs, mucStableIdFeature, occupantIdNs, vcardNs, pingNs]

/** §6.2 */
export function serviceInfo(name: string): DiscoInfo {
  return { identities: [identity(name)], features: ofService, forms: [] }
}

/** XEP-0045 §6.4, §7.12. @throws StanzaError */
export function roomInfo(room: Room, user: Jid, node: string | undefined): DiscoInfo {
  if (node === mucNickNode) {
    const { nick } = room.affiliations.get(user)
    return { node, identities: nick === undefined ? [] : [identity(nick)], features: [], forms: [] }
  }
  // §18.1.1: nothing is held back from what occupants send.
  if (node === `${mucNs}#traffic`) throw new StanzaError('service-unavailable', 'All extensions pass')
  if (node !== undefined) {
    const command = describeCommand(hatCommands(room, user), node)
    if (!command) throw new StanzaError('item-not-found', `There is no node ${node}`)
    return command
  }
  const { config } = room
  const features = [
    ...ofRooms,
    ...(config.isLogged ? [mamNs, `${mamNs}#extended`] : []),
    ...(config.isLogged && room.archives.isSearchable ? [fullTextNs] : []),
    config.password === '' ? 'muc_unsecured' : 'muc_passwordprotected',
    config.isPublic ? 'muc_public' : 'muc_hidden',
    config.isPersistent ? 'muc_persistent' : 'muc_temporary',
    config.isMembersOnly ? 'muc_membersonly' : 'muc_open',
    config.isModerated ? 'muc_moderated' : 'muc_unmoderated',
    config.whois === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous',
  ]
  return { identities: [identity(config.name || room.jid.local!)], features, forms: [infoForm(room, user)] }
}

/** §6.5: who is here, for those who are here themselves. */
export function roomItems(room: Room, user: Jid, node: string | undefined): DiscoItem[] {
  if (node === commandsNs) return listCommands(hatCommands(room, user), room.jid)
  const isInside = [...room.occupants.ofAccount(user.bare)].length > 0
  return isInside ? [...room.occupants].filter((other) => isBroadcast(room, other)).map(({ jid }) => ({ jid })) : []
}

function infoForm(room: Room, user: Jid): Form {
  const { affiliations, config, occupants } = room
  const pictures = avatarHashes(room)
  const { supervisor } = room.archives
  const hats = room.hats.hash
  const field = (name: string, value: string) => ({ var: name, values: [value] })
  return {
    type: 'result',
    fields: [
      formTypeField(mucRoomInfoForm),
      field('muc#roominfo_description', config.description),
      field('muc#roominfo_lang', config.language),
      // §14.4
      ...(mayListen(config, affiliations.of(user), occupants.of(user) !== undefined)
        ? [field('muc#roominfo_subject', subjectMessage(room).child('subject')!.text)]
        : []),
      field('muc#roominfo_occupants', String(occupants.size)),
      field('muc#roomconfig_changesubject', config.maySetSubject ? '1' : '0'),
      field('muc#maxhistoryfetch', String(config.historyLength)),
      ...(config.pubsub === '' ? [] : [field('muc#roomconfig_pubsub', config.pubsub)]),
      ...(isActivityTold(room) ? [field(mucActivityField, activity(room))] : []),
      ...(supervisor ? [supervisor.field] : []),
      ...(hats === undefined ? [] : [field('hats#hash', hats)]),
      ...(pictures.length === 0
        ? []
        : [{ var: 'muc#roominfo_avatarhash', type: 'text-multi' as const, values: pictures }]),
    ].filter(({ values }) => values?.[0] !== ''),
  }
}

/** XEP-0502 §3.1, §9: of rooms that everybody finds and may enter. Those that keep no archive do not remember what was said before a restart. */
function isActivityTold({ config, host }: Room): boolean {
  const { isPersistent, isPublic, isMembersOnly, password, isLogged } = config
  return isPersistent && isPublic && !isMembersOnly && password === '' && isLogged && host.config.history > 0
}

function activity({ history, host }: Room): string {
  return String(Math.round(history.rate(host.clock.now()) * 100) / 100)
}

function identity(name: string): Identity {
  return { category: 'conference', type: 'text', name }
}
