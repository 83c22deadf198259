import { join } from 'node:path'
import { systemClock } from '@jackdaw/server'
import { pino } from 'pino'
import { Certificates } from '../packages/server/src/transport/certificate.ts'

/** A certificate for all servers, with a key on P-256 as Jackdaw makes it. */
export async function makeCertificate(folder: string): Promise<{ readonly key: string; readonly cert: string }> {
  const certificates = await Certificates.open({
    folder,
    hosts: [{ domain: 'localhost' }],
    minVersion: 'TLSv1.2',
    ticketKeys: () => Buffer.alloc(48),
    clock: systemClock,
    log: pino({ level: 'silent' }),
  })
  certificates.close()
  return { key: join(folder, 'localhost.key'), cert: join(folder, 'localhost.crt') }
}
