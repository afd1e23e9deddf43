/** Indents JSON for people. */

const TOKENS = /"(?:[^"\\]|\\.)*"?|[[\]{}:,]|[^\s[\]{}:,"]+/gs;

/**
 * Indents a JSON text, perhaps one that is cut off, and changes nothing else: numbers keep their digits, and members their order.
 */
export function indented(text) {
  const tokens = text.match(TOKENS) ?? [];
  let depth = 0;
  const line = () => `\n${'  '.repeat(Math.max(depth, 0))}`;
  return tokens.map((token, index) => {
    if (token === '{' || token === '[') {
      depth += 1;
      return token + ('}]'.includes(tokens[index + 1]) ? '' : line());
    }
    if (token === '}' || token === ']') {
      depth -= 1;
      return ('{['.includes(tokens[index - 1]) ? '' : line()) + token;
    }
    if (token === ',') return token + line();
    return token === ':' ? ': ' : token;
  }).join('');
}
