const suffix = '+notify'
const none: readonly string[] = []
const known = new WeakMap<ReadonlySet<string>, readonly string[]>()

/** XEP-0060 §9.2: the nodes of which whoever has these features wants to hear. */
export function interestsOf(features: ReadonlySet<string>): readonly string[] {
  if (features.size === 0) return none
  let interests = known.get(features)
  if (!interests) {
    interests = [...features].filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length))
    known.set(features, interests)
  }
  return interests
}

export function isInterested(features: ReadonlySet<string>, node: string): boolean {
  return features.has(`${node}${suffix}`)
}
