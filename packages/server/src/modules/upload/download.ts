import type { FileRecord } from './ledger.ts'
import { describe } from './media-type.ts'
import { readRange } from './range.ts'
import { always, reply } from './responses.ts'
import type { Vault } from './vault.ts'

/** Answers GET and HEAD (RFC 9110 §9.3.1, §13, §14): a file never changes, so its id is its tag. */
export async function download(
  id: string,
  record: FileRecord | undefined,
  request: Request,
  vault: Vault,
): Promise<Response> {
  if (!record?.isUploaded) return reply(404)
  const { size, type, name, at } = record
  const tag = `"${id}"`
  const headers: Record<string, string> = {
    ...always,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=86400, immutable',
    etag: tag,
    'last-modified': new Date(at).toUTCString(),
  }
  const { headers: asked, method } = request
  if (hasTag(asked.get('if-none-match'), tag)) return new Response(null, { status: 304, headers })
  Object.assign(headers, describe(type ?? 'application/octet-stream', name))
  const ifRange = asked.get('if-range')
  const isCurrent = ifRange === null || ifRange === tag
  const range = method === 'GET' && isCurrent ? readRange(asked.get('range'), size) : undefined
  if (range === 'unsatisfiable') return reply(416, { 'content-range': `bytes */${size}` })
  const { start, end } = range ?? { start: 0, end: size }
  headers['content-length'] = String(end - start)
  if (range) headers['content-range'] = `bytes ${start}-${end - 1}/${size}`
  if (method === 'HEAD') return new Response(null, { headers })
  const body = await vault.read(id, start, end)
  return body ? new Response(body, { status: range ? 206 : 200, headers }) : reply(404)
}

/** RFC 9110 §13.1.2 */
function hasTag(field: string | null, tag: string): boolean {
  return (
    field !== null && (field.trim() === '*' || field.split(',').some((one) => one.trim().replace(/^W\//, '') === tag))
  )
}
