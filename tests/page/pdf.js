/** Reads the text of a PDF that Chromium has printed, so that a test can look at what is on paper. */
import { inflateSync } from 'node:zlib';

/** The characters of a font by the codes that the pages have for them, from its table of Unicode. */
function charactersOf(table) {
  const text = (hex) => hex.match(/.{4}/g).map((unit) => String.fromCharCode(Number.parseInt(unit, 16))).join('');
  const characters = new Map();
  for (const [, lines] of table.matchAll(/beginbfchar\s(.*?)endbfchar/gs)) {
    for (const [, code, character] of lines.matchAll(/<(\w+)> <(\w+)>/g)) characters.set(code, text(character));
  }
  for (const [, lines] of table.matchAll(/beginbfrange\s(.*?)endbfrange/gs)) {
    for (const [, first, last, start] of lines.matchAll(/<(\w+)> <(\w+)> <(\w+)>/g)) {
      const [from, to, at] = [first, last, start].map((hex) => Number.parseInt(hex, 16));
      for (let code = from; code <= to; code += 1) {
        characters.set(code.toString(16).toUpperCase().padStart(first.length, '0'), String.fromCharCode(at + code - from));
      }
    }
  }
  return characters;
}

/**
 * The text of each page without its spaces, which a PDF need not have: it has positions.
 * @param {Buffer} pdf
 * @returns {string[]}
 */
export function textOfPages(pdf) {
  const file = pdf.toString('latin1');
  const objects = new Map([...file.matchAll(/^(\d+) 0 obj\n(.*?)\nendobj/gsm)].map(([, number, content]) => [number, content]));
  const stream = (number) => {
    const [, data] = /stream\n(.*)\nendstream/s.exec(objects.get(number));
    return inflateSync(Buffer.from(data, 'latin1')).toString('latin1');
  };
  const pages = [...objects.values()].filter((content) => content.includes('/Type /Page\n'));
  return pages.map((page) => {
    const fonts = new Map([...page.matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name, number]) => (
      [name, charactersOf(stream(/\/ToUnicode (\d+)/.exec(objects.get(number))[1]))])));
    let [characters, all] = [new Map(), ''];
    for (const [, font, codes] of stream(/\/Contents (\d+)/.exec(page)[1]).matchAll(/\/(F\d+) [\d.]+ Tf|<(\w+)>(?= Tj|[^[\]]*\] TJ)/g)) {
      if (font) {
        characters = fonts.get(font);
        continue;
      }
      const length = [...characters.keys()][0].length;
      for (let at = 0; at < codes.length; at += length) all += characters.get(codes.slice(at, at + length).toUpperCase()) ?? '';
    }
    // Two letters may be drawn as one.
    return all.normalize('NFKC').replaceAll(/\s/g, '');
  });
}
