import { StanzaError } from '@jackdaw/xmpp'

/** Most characters of a form: a name and a password twice, as long as they may be, in percent encoding. */
const most = 16_384

/** The fields of a form that a browser sends. @throws StanzaError bad-request, policy-violation */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const [type] = (request.headers.get('content-type') ?? '').split(';', 1)
  if (type!.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    throw new StanzaError('bad-request', 'The form was not sent as one')
  // As long as any body may be, at most.
  const text = await request.text()
  if (text.length > most) throw new StanzaError('policy-violation', 'The form is too long')
  return new URLSearchParams(text)
}
