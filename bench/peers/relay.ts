import { join } from 'node:path'
import type { Kind } from './peer.ts'

/** The floor: what Node itself takes to carry the same bytes, and to make the same handshakes. */
export const relay: Kind = {
  name: 'relay',
  prepare: ({ port, tlsPort, key, cert }) => ({
    file: process.execPath,
    args: [join(import.meta.dirname, 'relay-process.ts'), JSON.stringify({ port, tlsPort, key, cert })],
  }),
}
