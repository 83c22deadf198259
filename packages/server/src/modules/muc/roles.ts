import { type MucAffiliation, type MucRole, mucRoles, StanzaError } from '@jackdaw/xmpp'
import { isAtLeast } from './affiliations.ts'

/** Someone in a room. */
export interface Standing {
  readonly affiliation: MucAffiliation
  readonly role: MucRole
}

/** §5.1.2: the role with which somebody enters. */
export function initialRole(affiliation: MucAffiliation, isModerated: boolean): MucRole {
  if (affiliation === 'outcast') return 'none'
  if (isAtLeast(affiliation, 'admin')) return 'moderator'
  return isModerated && affiliation === 'none' ? 'visitor' : 'participant'
}

/** §5.1.3, §5.2.2: the role of an occupant whose affiliation has changed. */
export function roleAfter(old: Standing, affiliation: MucAffiliation, isModerated: boolean): MucRole {
  const initial = initialRole(affiliation, isModerated)
  // Who is no admin any more has the role of its affiliation, as if it entered now.
  if (isAtLeast(old.affiliation, 'admin') || initial === 'none') return initial
  return mucRoles.indexOf(initial) > mucRoles.indexOf(old.role) ? initial : old.role
}

/**
 * §5.1.3, §8, §9.6, §9.7: whether one occupant may give another the role `wanted`.
 * @throws StanzaError forbidden, not-allowed
 */
export function checkRole(actor: Standing, target: Standing, wanted: MucRole): void {
  if (actor.role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators do that')
  if (wanted === target.role) return
  const isAdmin = isAtLeast(actor.affiliation, 'admin')
  if (wanted === 'moderator' && !isAdmin) throw new StanzaError('forbidden', 'Only admins make moderators')
  // §8.2: a user cannot be kicked by a moderator with a lower affiliation.
  if (!isAtLeast(actor.affiliation, target.affiliation)) throw tooHigh()
  if (target.role === 'moderator' && !isAdmin) throw tooHigh()
  if (wanted === 'none') return
  // §8.4, §9.7: an admin or owner is a moderator.
  if (isAtLeast(target.affiliation, 'admin')) throw tooHigh()
  // §8.4: "at or above the moderator's level"; nobody is above anybody where neither has an affiliation.
  const isLevel = actor.affiliation === target.affiliation && actor.affiliation !== 'none'
  if (wanted === 'visitor' && isLevel) throw tooHigh()
}

function tooHigh(): StanzaError {
  return new StanzaError('not-allowed', 'You cannot do that to somebody of that standing')
}
