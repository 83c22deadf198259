const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
/** RFC 9110 §8.3.1 */
const mediaType = new RegExp(`^(${token}/${token})((?: *; *${token}=(?:${token}|"[^"\\\\\\x00-\\x1f\\x7f]*"))*)$`)
const longest = 255

/** What a browser only shows. Everything else is a download: what might run there (HTML, SVG, XML, PDF, scripts) above all. */
const shown = /^(?:image\/(?:avif|bmp|gif|jpeg|png|webp)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain)$/
/** What browsers take for a document with scripts, or for a script. */
const capable =
  /^(?:text\/(?:html|xml|javascript|ecmascript|css|xsl)|application\/(?:x-)?(?:javascript|ecmascript)|.*xml|.*\bhtml?\b.*|multipart\/.*)$/

/** The type as it can be told again, in lower case but for its parameters; undefined for what is no media type. */
export function readMediaType(text: string): string | undefined {
  const [, type, parameters] = (text.length <= longest && mediaType.exec(text.trim())) || []
  return type === undefined ? undefined : `${type.toLowerCase()}${parameters}`
}

/** Whether the two are the same but for their parameters. */
export function isSameType(one: string, other: string): boolean {
  return essence(one) === essence(other)
}

/** RFC 9110 §8.3, RFC 6266: what is told of a file's type and name. */
export function describe(
  type: string,
  name: string,
): { readonly 'content-type': string; readonly 'content-disposition': string } {
  const isShown = shown.test(essence(type))
  return {
    'content-type': capable.test(essence(type)) ? 'application/octet-stream' : type,
    'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeName(name)}`,
  }
}

/** RFC 8187 §3.2.1, RFC 3986 §2.3: all is encoded but what needs it nowhere. */
export function encodeName(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function essence(type: string): string {
  return type.split(';', 1)[0]!.trim().toLowerCase()
}
