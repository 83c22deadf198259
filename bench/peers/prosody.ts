import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keysOf } from './accounts.ts'
import { filled } from './filled.ts'
import type { Kind } from './peer.ts'

/** Prosody, Debian's package. */
export const prosody: Kind = {
  name: 'prosody',
  needs: { program: '/usr/bin/prosody', package: 'prosody' },
  prepare({ data, port, tlsPort, key, cert, hasFeatures, extra, accounts }) {
    const features = `${hasFeatures ? '"mam", "carbons", "smacks", ' : ''}${extra === 'pep' ? '"pep"' : ''}`
    const roomFeatures = hasFeatures ? '"muc_mam"' : ''
    const template = readFileSync(join(import.meta.dirname, 'prosody.cfg.lua.in'), 'utf8')
    const config = join(data, 'prosody.cfg.lua')
    writeFileSync(config, filled(template, { data, key, cert, port, tlsPort, features, roomFeatures }))
    const folder = join(data, 'localhost', 'accounts')
    mkdirSync(folder, { recursive: true })
    const { salt, iterations, storedKey, serverKey } = keysOf('sha1')
    const account = `return {
  ["salt"] = "${salt.toString()}";
  ["iteration_count"] = ${iterations};
  ["stored_key"] = "${storedKey.toString('hex')}";
  ["server_key"] = "${serverKey.toString('hex')}";
};
`
    for (let i = 0; i < accounts; i++) writeFileSync(join(folder, `u${i}.dat`), account)
    return { file: 'prosody', args: ['-F', '--config', config] }
  },
}
