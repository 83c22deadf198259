const tag = /^[a-z]{1,8}(?:-[a-z0-9]{1,8}){0,7}$/i

/** RFC 6120 §4.7.4: what is no language tag (BCP 47) is not put into each stanza of the stream. */
export function languageOf(lang: string | undefined): string | undefined {
  return lang !== undefined && tag.test(lang) ? lang : undefined
}
