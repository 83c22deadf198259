/** XEP-0045: what rooms tell their occupants and those who are invited. */
export const mucUserNs = 'http://jabber.org/protocol/muc#user'

/** XEP-0249: an invitation to a room that does not pass through the room. */
export const directInvitationNs = 'jabber:x:conference'
