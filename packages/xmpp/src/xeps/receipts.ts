/** XEP-0184: delivery receipts. */
export const receiptsNs = 'urn:xmpp:receipts'
