declare module 'tr46' {
  interface Options {
    checkHyphens?: boolean
    checkBidi?: boolean
    checkJoiners?: boolean
    useSTD3ASCIIRules?: boolean
  }
  export function toUnicode(domain: string, options?: Options): { domain: string; error: boolean }
  /** `null` where the domain is refused. */
  export function toASCII(domain: string, options?: Options): string | null
}
