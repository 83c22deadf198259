/** The template with each @name@ replaced by its value. */
export function filled(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/@(\w+)@/g, (_, name: string) => String(values[name]))
}
