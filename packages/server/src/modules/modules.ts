import type { Module } from '../module.ts'

/** Every module there is. */
export const modules: readonly Module[] = []
