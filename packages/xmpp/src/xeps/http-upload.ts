import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { formatDateTime } from './date-time.ts'
import { type Form, formTypeField } from './forms.ts'

export const httpUploadNs = 'urn:xmpp:http:upload:0'
/** XEP-0363 §5 */
export const uploadPurposeNs = 'urn:xmpp:http:upload:purpose:0'

const purposes = ['message', 'profile', 'ephemeral', 'permanent'] as const
export type UploadPurpose = (typeof purposes)[number]

/** XEP-0363 §4: for which file a slot is wanted. */
export interface UploadRequest {
  readonly filename: string
  /** Bytes. */
  readonly size: number
  readonly contentType?: string | undefined
  readonly purpose: UploadPurpose
}

/** `<request/>`. Reading throws a StanzaError bad-request when the name is missing or the size is no positive number. */
export const UploadRequest: Payload<UploadRequest> = {
  name: 'request',
  ns: httpUploadNs,
  read(element) {
    const filename = element.attr('filename')
    const size = element.attr('size')
    if (!filename) throw new StanzaError('bad-request', 'A request for a slot needs a filename')
    if (size === undefined || !/^\+?0*[1-9]\d{0,14}$/.test(size))
      throw new StanzaError('bad-request', 'A request for a slot needs a size, a number of bytes from 1')
    const purpose = purposes.find((name) => element.child(name, uploadPurposeNs)) ?? 'message'
    return { filename, size: Number(size), contentType: element.attr('content-type') || undefined, purpose }
  },
  write: ({ filename, size, contentType, purpose }) =>
    xml(
      'request',
      httpUploadNs,
      { filename, size: String(size), 'content-type': contentType },
      purpose === 'message' ? undefined : xml(purpose, uploadPurposeNs),
    ),
}

/** XEP-0363 §4: where a file is put, and where it is then found; both are URLs of https. */
export interface UploadSlot {
  readonly put: string
  readonly get: string
}

/** `<slot/>`. Reading throws a StanzaError bad-request when one of the URLs is missing. */
export const UploadSlot: Payload<UploadSlot> = {
  name: 'slot',
  ns: httpUploadNs,
  read(element) {
    const put = element.child('put')?.attr('url')
    const get = element.child('get')?.attr('url')
    if (put === undefined || get === undefined) throw new StanzaError('bad-request', 'A slot has two URLs')
    return { put, get }
  },
  write: ({ put, get }) =>
    xml('slot', httpUploadNs, {}, xml('put', httpUploadNs, { url: put }), xml('get', httpUploadNs, { url: get })),
}

/** XEP-0363 §3: what service discovery tells of the largest file, in bytes. */
export function uploadForm(maxFileSize: number): Form {
  return {
    type: 'result',
    fields: [formTypeField(httpUploadNs), { var: 'max-file-size', values: [String(maxFileSize)] }],
  }
}

/** XEP-0363 §6: the file has more bytes than this. */
export function fileTooLarge(maxFileSize: number): StanzaError {
  const most = String(maxFileSize)
  return new StanzaError('not-acceptable', `File too large. The maximum file size is ${most} bytes`, {
    application: xml('file-too-large', httpUploadNs, {}, xml('max-file-size', httpUploadNs, {}, most)),
  })
}

/** XEP-0363 §6: when a slot may be asked for again, milliseconds since the Unix epoch. */
export function uploadRetry(at: number): Element {
  return xml('retry', httpUploadNs, { stamp: formatDateTime(at) })
}
