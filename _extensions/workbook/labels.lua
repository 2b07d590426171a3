-- Quarto only, after its own filters: 第 4.1 节 and 第 6 章, where Quarto writes 小节 4.1 and
-- 章节 6; the titles of parts in the EPUB, and alternative text where it is allowed there. Print
-- says all this in theme/quarto/quarto.typ.

local html = FORMAT:match 'html' ~= nil and not FORMAT:match 'epub'
local epub = FORMAT:match 'epub' ~= nil
local NBSP = '\u{a0}'

local chinese = false
local function read_language(meta)
  chinese = meta.lang ~= nil and pandoc.utils.stringify(meta.lang):match '^zh' ~= nil
end

-- What stands around a number, by the id of the chapters, whose names the files have.
local around = {}
local function read_chapters()
  local folder = pandoc.path.join { quarto.project.directory, 'chapters', 'zh' }
  local listed, names = pcall(pandoc.system.list_directory, folder)
  for _, name in ipairs(listed and names or {}) do
    local number, slug = name:match '^(%d+)%-(.*)%.qmd$'
    if slug then around['sec-' .. slug] = number < '90' and { '第', '章' } or false end
  end
end

local function words_around(id)
  local words = around[id]
  if words == nil then return { '第', '节' } end
  return words
end

-- In a website the number is not known before all pages are there: Quarto puts it into the span,
-- but in the preface, whose sections have no numbers, the chapter's title.
local function unresolved(link)
  if pandoc.path.filename(quarto.doc.input_file):match '^index%.' then return nil end
  local span = link.content[1]
  if not (span and span.t == 'Span' and span.classes:includes 'quarto-unresolved-ref') then return nil end
  if span.classes:includes 'ref-noprefix' then return nil end
  local words = words_around(pandoc.utils.stringify(span))
  if not words then return nil end
  span.classes:insert 'ref-noprefix'
  link.content = { pandoc.Str(words[1] .. NBSP), span, pandoc.Str(NBSP .. words[2]) }
  return link
end

local function reference(link)
  if not (chinese and link.classes:includes 'quarto-xref' and link.target:match '^#sec%-') then
    return nil
  end
  if html then return unresolved(link) end
  local said = pandoc.utils.stringify(link.content):gsub(NBSP, ' ')
  local word, number = said:match '^(%S+) (%S+)$'
  local after = ({ ['章节'] = '章', ['小节'] = '节' })[word]
  if not after then return nil end
  link.content = { pandoc.Str('第' .. NBSP .. number .. NBSP .. after) }
  return link
end

-- Quarto gives a figure the alternative text of its picture, too, which an EPUB must not have.
local function without_alt(figure)
  if not (epub and figure.attributes.alt) then return nil end
  figure.attributes.alt = nil
  return figure
end

-- Quarto leaves the titles of parts out of an EPUB.
local function div(block)
  if epub and block.classes:includes 'quarto-book-part' then return block.content end
  return without_alt(block)
end

if not (html or epub) then return {} end
read_chapters()
return {
  { Meta = read_language },
  { Link = reference, Div = div, Figure = without_alt },
}
