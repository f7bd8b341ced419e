// Builds the front end into dist/: node build.mjs [-templates DIR]
//
//   confermo.css  the kit's parts our templates use, then our own rules      sprites.svg  the icons used
//   lean.css      the same for the phone-critical pages, without web font    lean.svg     their icons
//   tw400.woff2, tw600.woff2   Titillium Web, subset                         *.js         our scripts, minified
//   licenses.txt  what the kit's and the font's licences ask us to pass on
//
// What is used is read from web/templates, from the strings of web/*.go and from our scripts, anew at each run. A template
// with the comment {{/* lean */}} belongs to the lean pages; the templates it calls, and a layout that can write cf-lean,
// go with it. Reads no network.
import { readFileSync, writeFileSync, readdirSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join, basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import * as sass from 'sass'
import { PurgeCSS } from 'purgecss'
import * as esbuild from 'esbuild'
import subsetFont from 'subset-font'

const here = dirname(fileURLToPath(import.meta.url))
const kit = join(here, 'node_modules/bootstrap-italia')
const dist = join(here, 'dist')
const flag = process.argv.indexOf('-templates')
const templates = flag > 0 ? process.argv[flag + 1] : join(here, '../templates')
const text = (...p) => readFileSync(join(...p), 'utf8')

const list = (dir, keep) => !existsSync(dir) ? [] : readdirSync(dir, { recursive: true })
  .map(f => join(dir, f)).filter(f => keep(f) && !f.includes('node_modules')).sort()

// In code only string literals can name a class or an icon; taking all words would keep half the kit.
const literals = s => (s.match(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/g) ?? []).join('\n')
const uncommented = s => s.replace(/^\s*\/\/.*$/gm, '')

const pages = list(templates, f => f.endsWith('.html')).map(f => ({ file: f, body: text(f) }))
const scripts = list(join(here, 'js'), f => f.endsWith('.js')).map(f => ({ file: f, source: text(f), body: literals(uncommented(text(f))) }))
const code = flag > 0 ? [] : list(join(here, '..'), f => f.endsWith('.go') && !f.endsWith('_test.go'))
  .map(f => ({ file: f, body: literals(uncommented(text(f))) }))

// leanParts: the marked templates, the layout that can write cf-lean, and what these call, define by define. A name that
// several files define (title, main) belongs to each file alone and is not followed.
function leanParts () {
  const marked = pages.filter(p => /\{\{-?\s*\/\*\s*lean\s*\*\/\s*-?\}\}/.test(p.body))
  if (marked.length === 0) return { pages, parts: pages }
  const parts = pages.filter(p => !marked.includes(p)).flatMap(p => p.body.split(/(?=\{\{-?\s*define\s)/)
    .map(body => ({ file: p.file, body, name: /^\{\{-?\s*define\s+"([^"]+)"/.exec(body)?.[1] ?? basename(p.file) })))
  const chosen = new Set([...marked, ...parts.filter(p => p.body.includes('cf-lean'))])
  for (const c of chosen) {
    for (const [, name] of c.body.matchAll(/\{\{-?\s*(?:template|block)\s+"([^"]+)"/g)) {
      const owners = parts.filter(p => p.name === name)
      if (owners.length === 1) chosen.add(owners[0])
    }
  }
  return { pages: marked, parts: [...chosen] }
}

// Written by Go code (cf-i), set by scripts or by what a person does, and pieces of names templates put together (is-{{.Kind}}).
const safe = { standard: [/^cf-i$/, /^is-(?!valid)/, /^b-/, 'visually-hidden', 'd-none', 'active', 'show', 'disabled'], deep: [], greedy: [/^data-l$/] }

async function style (css, used, extra = []) {
  if (used.length > 0) {
    const [r] = await new PurgeCSS().purge({
      content: used.map(u => ({ raw: u.body.replace(/(?:#|icon ")(?:it|cf)-[\w-]+/g, ''), extension: 'html' })), // it-card is an icon and a class
      css: [{ raw: css }],
      defaultExtractor: s => s.match(/[\w-/:]*[\w-/]/g) ?? [],
      safelist: { ...safe, standard: [...safe.standard, 'html', 'body', ':root', ...extra] },
      keyframes: true,
      variables: true
    })
    css = r.css
  }
  return (await esbuild.transform(css, { loader: 'css', minify: true, legalComments: 'none', target: ['chrome80', 'safari14', 'firefox78'] })).code
}

// Icons are named in full: it-x (the kit's) anywhere, cf-x (ours) after # or in {{icon "cf-x"}}.
function sprite (all, used) {
  const symbols = new Map([...all.matchAll(/<symbol id="((?:it|cf)-[^"]+)".*?<\/symbol>/gs)].map(m => [m[1], m[0]]))
  const names = new Set()
  for (const u of used) {
    for (const [n] of u.body.matchAll(/\bit-[a-z0-9-]+/g)) names.add(n)
    for (const [, n] of u.body.matchAll(/(?:#|icon ")(cf-[a-z0-9-]+)/g)) names.add(n)
    for (const [, n] of u.body.matchAll(/(?:#|icon ")((?:it|cf)-[a-z0-9-]+)/g)) if (!symbols.has(n)) console.warn(`warning: ${basename(u.file)} asks for the icon ${n}, which is not in the kit`)
  }
  const kept = [...names].filter(n => symbols.has(n)).sort()
  const out = used.length > 0 ? kept : [...symbols.keys()]
  return '<svg xmlns="http://www.w3.org/2000/svg">' + out.map(n => symbols.get(n).replace(/\s+/g, ' ')).join('') + '</svg>\n'
}

async function font (weight) {
  const whole = readFileSync(join(kit, `dist/fonts/Titillium_Web/titillium-web-v10-latin-ext_latin-${weight}.woff2`))
  let chars = ''
  const add = (from, to) => { for (let c = from; c <= to; c++) chars += String.fromCodePoint(c) }
  add(0x20, 0x24f); add(0x2010, 0x203a); add(0x20ac, 0x20ac); add(0x2212, 0x2212)
  return subsetFont(whole, chars, { targetFormat: 'woff2' })
}

const results = []
function write (name, body) {
  const tmp = join(dist, '.' + name)
  writeFileSync(tmp, body)
  renameSync(tmp, join(dist, name)) // a server being compiled meanwhile sees the old file or the new one
  results.push([name, Buffer.byteLength(body), gzipSync(body, { level: 9 }).length])
}

mkdirSync(dist, { recursive: true })
const kitCSS = sass.compile(join(here, 'src/kit.scss'), {
  loadPaths: [join(kit, 'src/scss')], quietDeps: true, silenceDeprecations: ['import', 'global-builtin', 'color-functions', 'if-function', 'mixed-decls', 'abs-percent', 'slash-div'],
  logger: sass.Logger.silent
}).css
const ours = text(here, 'src/confermo.css')
const lean = leanParts()
const all = pages.length > 0 ? [...pages, ...scripts, ...code] : []
const leanAll = pages.length > 0 ? [...lean.parts, ...scripts.filter(s => basename(s.file) === 'live.js')] : []
const notice = '/*! Bootstrap Italia 2.18.3, BSD-3-Clause; Titillium Web, OFL 1.1: see licenses.txt */\n'
const allIcons = text(kit, 'dist/svg/sprites.svg') + text(here, 'src/icons.svg')

write('confermo.css', notice + await style(text(here, 'src/font.css') + kitCSS + ours, all, [/^cf/]))
write('lean.css', notice + await style(kitCSS + ours, leanAll))
write('sprites.svg', sprite(allIcons, all))
write('lean.svg', sprite(allIcons, leanAll))
write('tw400.woff2', await font('regular'))
write('tw600.woff2', await font('600'))
for (const s of scripts) {
  write(basename(s.file), (await esbuild.transform(s.source, { loader: 'js', minify: true, target: 'es2020', legalComments: 'none' })).code)
}
write('licenses.txt', text(kit, 'LICENSE') + '\n\n' + text(kit, 'dist/fonts/Titillium_Web/OFL.txt'))
for (const [name, raw, zipped] of results) console.log(`${name.padEnd(14)}${String(raw).padStart(8)} B${String(zipped).padStart(8)} B gzip`)
console.log(pages.length > 0 ? `purged against ${pages.length} templates, ${lean.pages.length} of them lean` : 'no templates yet: nothing purged')
