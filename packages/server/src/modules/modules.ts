import type { Module } from '../module.ts'
import { administration } from './administration/administration.ts'
import { avatars } from './avatars.ts'
import { blocking } from './blocking/blocking.ts'
import { blocklists } from './blocking/blocklists.ts'
import { archive } from './archive.ts'
import { archiveErasure } from './archive-erasure.ts'
import { archivePreferences } from './archive-preferences.ts'
import { archiveRetention } from './archive-retention.ts'
import { bookmarks } from './bookmarks.ts'
import { caps } from './caps.ts'
import { carbons } from './carbons.ts'
import { commands } from './commands/commands.ts'
import { devices } from './devices.ts'
import { contact } from './contact.ts'
import { csi } from './csi.ts'
import { delegation } from './delegation/delegation.ts'
import { disco } from './disco.ts'
import { knownCaps } from './known-caps.ts'
import { displayed } from './displayed.ts'
import { events } from './events/events.ts'
import { externalServices } from './external-services.ts'
import { hostMeta } from './host-meta.ts'
import { inBand } from './in-band.ts'
import { inbox } from './inbox/inbox.ts'
import { invitations } from './invitations/invitations.ts'
import { inviteCommands } from './invitations/invite-commands.ts'
import { last } from './last.ts'
import { mam } from './mam.ts'
import { muc } from './muc/muc.ts'
import { offline } from './offline/offline.ts'
import { ping } from './ping.ts'
import { presence } from './presence/presence.ts'
import { pubsub } from './pubsub/pubsub.ts'
import { privilege } from './privilege/privilege.ts'
import { privateStorage } from './private.ts'
import { push } from './push/push.ts'
import { pushService } from './push-service/push-service.ts'
import { pushRooms } from './push-rooms.ts'
import { register } from './register.ts'
import { reporting } from './reporting.ts'
import { restApi } from './rest-api/rest-api.ts'
import { roomInbox } from './room-inbox/room-inbox.ts'
import { retraction } from './retraction.ts'
import { roster } from './roster/roster.ts'
import { search } from './search.ts'
import { stanzaId } from './stanza-id.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'
import { supervision } from './supervision/supervision.ts'
import { time } from './time.ts'
import { upload } from './upload/upload.ts'
import { vcard } from './vcard.ts'
import { vcard4 } from './vcard4.ts'
import { version } from './version.ts'

/** Every module there is. Hooks of one stage run in this order. */
export const modules: readonly Module[] = [
  roster,
  subscriptions,
  blocklists,
  presence,
  blocking,
  privilege,
  stanzaId,
  archive,
  archivePreferences,
  archiveErasure,
  archiveRetention,
  mam,
  retraction,
  inbox,
  carbons,
  csi,
  offline,
  disco,
  delegation,
  commands,
  administration,
  devices,
  contact,
  hostMeta,
  externalServices,
  caps,
  knownCaps,
  pubsub,
  displayed,
  ping,
  vcard,
  avatars,
  vcard4,
  search,
  version,
  last,
  time,
  privateStorage,
  bookmarks,
  push,
  pushService,
  inBand,
  invitations,
  inviteCommands,
  register,
  reporting,
  events,
  muc,
  roomInbox,
  pushRooms,
  supervision,
  upload,
  restApi,
]
