// npm test: everything that can run on this machine; what a missing peer prevents is named.
import { close, runStatics, runTests, sum } from './steps.ts'

close(sum([runStatics(), runTests('unit'), runTests('interop')]))
