import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(dirname(import.meta.dirname))

/** What every object of the language has: who looks a word up in one finds these. */
const inherited = ['constructor', 'toString', '__proto__', '__defineGetter__']

/** What words there are, taken out of the sources: names of elements, attributes, fields and values, and namespaces. */
export interface Vocabulary {
  readonly words: readonly string[]
  readonly namespaces: readonly string[]
  /** The words that stand in the same files as a namespace: with them, a request is more likely to be understood. */
  near(ns: string): readonly string[]
}

export function readVocabulary(): Vocabulary {
  const words = new Set(inherited)
  const namespaces = new Set<string>()
  const byNamespace = new Map<string, Set<string>>()
  for (const file of globSync('packages/{xmpp/src/xeps,server/src/modules}/**/*.ts', { cwd: root })) {
    if (/\.test\.ts$|fixture\.ts$/.test(file)) continue
    const text = readFileSync(join(root, file), 'utf8')
    const literals = [...text.matchAll(/'([^'\\\n ]{1,60})'/g)].map(([, word]) => word!)
    const own = literals.filter((word) => /^[A-Za-z][\w.-]*$/.test(word))
    // Fields of forms: pubsub#access_model, muc#roomconfig_membersonly.
    for (const [field] of text.matchAll(/\b[a-z]+_[a-z_]+\b/g)) own.push(`pubsub#${field}`, `muc#roomconfig_${field}`)
    own.push(...literals.filter((word) => /^[A-Za-z][^:]*#/.test(word)))
    for (const word of own) words.add(word)
    for (const ns of literals.filter((word) => /^(https?:\/\/|urn:|jabber:|vcard-temp)/.test(word))) {
      namespaces.add(ns)
      const near = byNamespace.get(ns) ?? new Set(inherited)
      for (const word of own) near.add(word)
      byNamespace.set(ns, near)
    }
  }
  const all = [...words]
  return {
    words: all,
    namespaces: [...namespaces],
    near(ns) {
      const near = byNamespace.get(ns) ?? byNamespace.get(ns.split('#')[0]!)
      return near && near.size > 0 ? [...near] : all
    },
  }
}
