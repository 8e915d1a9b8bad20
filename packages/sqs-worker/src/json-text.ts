/**
 * The text of the value of `name` in the object that `json` is, exactly as it stands there: `JSON.parse` would round large
 * integers and lose `1.0`. `json` must be valid. Undefined when there is no such member; the last one wins, as for `JSON.parse`.
 */
export function memberText(json: string, name: string): string | undefined {
  let found: string | undefined;
  let position = skipSpace(json, json.indexOf("{") + 1);
  while (json[position] === '"') {
    const keyEnd = skipString(json, position);
    const key = JSON.parse(json.slice(position, keyEnd)) as string;
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const end = skipValue(json, start);
    if (key === name) found = json.slice(start, end);
    position = skipSpace(json, end);
    if (json[position] === ",") position = skipSpace(json, position + 1);
  }
  return found;
}

/** Whether arrays and objects are nested deeper than `limit` in `json`, valid or not. */
export function isNestedDeeper(json: string, limit: number): boolean {
  // Each level needs an opening and, in valid JSON, a closing character.
  if (json.length < 2 * limit) return false;
  let depth = 0;
  for (let position = 0; position < json.length; position += 1) {
    const character = json[position];
    if (character === '"') position = skipString(json, position) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}

function skipSpace(json: string, position: number): number {
  let next = position;
  while (json[next] === " " || json[next] === "\n" || json[next] === "\r" || json[next] === "\t") next += 1;
  return next;
}

/** Where the string that begins at `position` has ended, after its closing quote. */
function skipString(json: string, position: number): number {
  let next = position + 1;
  while (next < json.length && json[next] !== '"') next += json[next] === "\\" ? 2 : 1;
  return next + 1;
}

function skipValue(json: string, position: number): number {
  if (json[position] === '"') return skipString(json, position);
  let next = position;
  let depth = 0;
  for (; next < json.length; next += 1) {
    const character = json[next];
    if (character === '"') next = skipString(json, next) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") {
      if (depth === 0) break;
      depth -= 1;
      if (depth === 0) return next + 1;
    } else if (depth === 0 && (character === "," || skipSpace(json, next) > next)) break;
  }
  return next;
}
