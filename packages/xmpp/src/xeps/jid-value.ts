import { StanzaError } from '../errors.ts'
import { Jid, JidError } from '../jid.ts'

/** An address that stands in a payload. @throws StanzaError jid-malformed */
export function jidValue(text: string): Jid {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
    throw error
  }
}
