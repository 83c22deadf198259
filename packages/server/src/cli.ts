#!/usr/bin/env node
import { enableCompileCache, flushCompileCache } from 'node:module'

// Nothing is imported before the version is known to be right: an older Node fails on the imports in words that help nobody.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `jackdaw: needs Node 24.15 or newer and runs on ${process.version}: install a newer one from https://nodejs.org`,
  )
  process.exit(1)
}

// What a server keeps is for its user alone.
process.umask(0o077)
enableCompileCache()

try {
  const { program } = await import('./admin/program.ts')
  await program().parseAsync()
  // A server may never come to the exit at which Node would do this; the second time is for what its first clients have made it load.
  for (const after of [0, 60_000]) setTimeout(flushCompileCache, after).unref()
} catch (error) {
  const { describeFailure } = await import('./admin/failure.ts')
  console.error(`jackdaw: ${describeFailure(error)}`)
  process.exit(1)
}
