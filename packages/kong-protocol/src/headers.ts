/** Headers by name. What comes from Kong has lower-case names; a header that occurs more than once has a list. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;
