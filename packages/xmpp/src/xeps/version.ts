import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const versionNs = 'jabber:iq:version'

/** XEP-0092 §2: which software an entity runs; all is undefined in a request. */
export interface SoftwareVersion {
  readonly name?: string | undefined
  readonly version?: string | undefined
  /** The operating system. */
  readonly os?: string | undefined
}

/** `<query/>` of jabber:iq:version. */
export const SoftwareVersion: Payload<SoftwareVersion> = {
  name: 'query',
  ns: versionNs,
  read: (element) => ({
    name: element.child('name')?.text,
    version: element.child('version')?.text,
    os: element.child('os')?.text,
  }),
  write: (value) =>
    xml('query', versionNs, {}, leaf('name', value.name), leaf('version', value.version), leaf('os', value.os)),
}

function leaf(name: string, text: string | undefined) {
  return text === undefined ? undefined : xml(name, versionNs, {}, text)
}
