import type { Row } from './goals.ts'
import type { Figures } from './work/work.ts'

/** One work done once. */
export interface Result {
  readonly run: number
  readonly server: string
  readonly work: string
  readonly figures: Figures
  /** Why there are none, in a sentence. */
  readonly failure?: string
}

/** All that was measured, and what follows from it. */
export class Results {
  readonly all: Result[] = []

  median(work: string, figure: string, server: string): number | undefined {
    const values = this.#values(work, figure, server).toSorted((a, b) => a - b)
    const middle = values.length >> 1
    return values.length % 2 === 1
      ? values[middle]
      : values.length > 0
        ? (values[middle - 1]! + values[middle]!) / 2
        : undefined
  }

  /** The better peer's figure. */
  best({ work, figure }: Row): number | undefined {
    const figures = ['prosody', 'ejabberd'].flatMap((peer) => this.median(work, figure, peer) ?? [])
    return figures.length > 0 ? Math.min(...figures) : undefined
  }

  /** The greatest, of all works. */
  most(figure: string): number {
    return Math.max(0, ...this.all.map(({ figures }) => figures[figure] ?? 0))
  }

  #values(work: string, figure: string, server: string): number[] {
    return this.all
      .filter((result) => result.work === work && result.server === server)
      .flatMap(({ figures }) => figures[figure] ?? [])
  }
}

/** The rows that have been measured, as Markdown. */
export function table(rows: readonly Row[], results: Results, servers: readonly string[]): string {
  const lines = [
    `| work | unit | ${servers.join(' | ')} | of the better peer | goal | met? |`,
    `|---|---|${servers.map(() => '--:|').join('')}--:|---|---|`,
  ]
  for (const row of rows) {
    const { title, work, figure, unit, goals } = row
    const ours = results.median(work, figure, 'jackdaw')
    const figures = servers.map((server) => shown(results.median(work, figure, server)))
    if (figures.every((cell) => cell === '–')) continue
    const best = results.best(row)
    const ratio = ours === undefined || best === undefined ? '–' : shown(ours / best)
    const words = goals.map((goal) => goal.words).join('; ')
    const verdicts = goals.map(({ limit }) => verdictOf(ours, limit(row, results))).join('; ')
    lines.push(`| ${title} | ${unit} | ${figures.join(' | ')} | ${ratio} | ${words} | ${verdicts} |`)
  }
  return lines.join('\n')
}

function verdictOf(ours: number | undefined, limit: number | undefined): string {
  if (ours === undefined || limit === undefined) return '–'
  return ours <= limit ? 'met' : '**missed**'
}

function shown(figure: number | undefined): string {
  if (figure === undefined || Number.isNaN(figure)) return '–'
  return figure >= 100 ? figure.toFixed(0) : figure >= 10 ? figure.toFixed(1) : figure.toFixed(2)
}
