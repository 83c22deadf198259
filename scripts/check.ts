// npm run check: what must hold before a commit, under a minute.
import { close, runStatics, runTests, sum } from './steps.ts'

close(sum([runStatics(), runTests('unit')]))
