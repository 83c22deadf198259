import { createHash } from 'node:crypto'

/** Text that is HTML already. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Html | undefined | readonly Html[]

/** HTML with what stands in it escaped, unless that is HTML itself. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, i) => text + written(parts[i])).join(''))
}

function written(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(({ text }) => text).join('')
  return String(part).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

const style = `:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:1rem}
label{display:block;margin:.8rem 0}
input{display:block;box-sizing:border-box;width:100%;font:inherit;padding:.5rem}
button,.open{display:inline-block;font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.3rem;background:#1b5e8c;color:#fff;text-decoration:none}
.fault{border-left:.3rem solid #b3261e;padding-left:.7rem}
.code svg{width:12rem;height:auto}
small{display:block}`
/** Whole: another space in it, and the hash would be another. */
const styleElement = new Html(`<style>${style}</style>`)
const styleHash = createHash('sha256').update(style).digest('base64')

/** A page that loads nothing, runs nothing, and tells nobody of its address, in which there is a secret. */
export function page(title: string, content: Html, status = 200): Response {
  const { text } = html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <meta name="robots" content="noindex" />
      <title>${title}</title>
      ${styleElement}
      <main>
        <h1>${title}</h1>
        ${content}
      </main>
    </html> `
  return new Response(text, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      // Not no-referrer: with that, a form's Origin is null.
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    },
  })
}
