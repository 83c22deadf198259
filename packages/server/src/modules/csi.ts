import {
  carbonOriginal,
  csiFeature,
  csiNs,
  Delay,
  delayNs,
  isMessage,
  isUrgent,
  type Stanza,
  StreamError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { size } from '../config/fields.ts'
import { defineModule, type Target } from '../module.ts'

/** Where a session's record says that nobody looks at its client. */
const key = 'csi'

/**
 * Lets a client that nobody looks at sleep: what is not urgent is held back, of the presence of each entity the latest only. It is part
 * of the session's record, so that it outlives a kill, and comes before whatever is handed over later; XEP-0198 counts it only then.
 */
export const csi = defineModule({
  name: 'csi',
  xeps: ['XEP-0352 1.0.0'],
  config: z.object({
    hold: z
      .array(z.enum(['presence', 'messages']))
      .default(['presence', 'messages'])
      .describe(
        'What is held back from inactive clients: presence, messages that tell the user nothing (typing, read, PEP).',
      ),
    stanzas: z
      .int()
      .min(1)
      .default(500)
      .describe('Most stanzas held back for one client; at one more all are handed over.'),
    size: size({ min: '1 KiB' }).prefault('256 KiB').describe('How much they may be together, in characters of XML.'),
  }),
  start(host) {
    const { config, clock, domain } = host
    const holdsPresence = config.hold.includes('presence')
    const holdsMessages = config.hold.includes('messages')

    host.streamFeature({
      name: 'client state indication',
      ns: csiNs,
      needs: ['authenticated'],
      offer: () => csiFeature,
      negotiate(stream, { name }) {
        const session = stream.session && host.session(stream.session.jid)
        if (!session) throw new StreamError('not-authorized', 'Bind a resource first')
        if (name === 'inactive') return session.set(key, true)
        if (name !== 'active') throw new StreamError('unsupported-stanza-type')
        session.set(key, undefined)
        session.flush()
      },
      binding: {
        name: csiNs,
        prepare: (_, request) =>
          request.child('inactive', csiNs) &&
          (({ jid }) => {
            host.session(jid)!.set(key, true)
            return undefined
          }),
      },
    })

    host.hook('session:send', 'deliver', ({ stanza, session }) => {
      if (session.get(key) === undefined || !mayWait(stanza, session)) return
      session.hold(delayed(stanza), stanza.name === 'presence' ? String(stanza.from) : undefined)
      const { stanzas, characters } = session.held
      if (stanzas > config.stanzas || characters > config.size) session.flush()
      return 'stop'
    })

    // §5.2: a stream that resumes a session begins as active as a new one.
    host.on('session:resumed', ({ session }) => {
      session.set(key, undefined)
      session.flush()
    })

    function mayWait(stanza: Stanza, { account }: Target): boolean {
      if (!isMessage(stanza)) return holdsPresence && !isUrgent(stanza)
      if (!holdsMessages) return false
      // A copy, which comes from the account, matters as much as what was copied.
      return !isUrgent((account.equals(stanza.from) && carbonOriginal(stanza)) || stanza)
    }

    /** XEP-0203: when it came, unless something tells that already. */
    function delayed(stanza: Stanza): Stanza {
      return stanza.child('delay', delayNs) ? stanza : stanza.append(Delay.write({ stamp: clock.now(), from: domain }))
    }
  },
})

/** Whether the client of the session has said that nobody looks at it. */
export function isInactive(session: Target): boolean {
  return session.get(key) !== undefined
}
