-- Turns what numbering made (labels, captions, callouts, exercises, references) into calls of
-- theme/print/forms.typ, and gives every image and formula the alternative text that a tagged PDF
-- needs and pandoc's writer leaves out. Of Quarto's books, whose filters number for themselves,
-- _extensions/workbook/print.lua calls single functions of it.

local here = ... or pandoc.path.directory(PANDOC_SCRIPT_FILE)
local typst_math = dofile(pandoc.path.join { here, '..', 'symbols.lua' })
local springs = dofile(pandoc.path.join { here, 'springs.lua' })

local function raw(code) return pandoc.RawInline('typst', code) end

-- A Typst string with what a document may hold safely inside.
local function quoted(value)
  local line = value:gsub('^%s+', ''):gsub('%s+$', ''):gsub('%s+', ' ')
  return '"' .. line:gsub('\\', '\\\\'):gsub('"', '\\"') .. '"'
end

-- The argument that makes a call a place for references.
local function id(identifier)
  return identifier ~= '' and ', id: ' .. quoted(identifier) or ''
end

-- `before inlines after` as one piece, so that no paragraph break comes between them.
local function around(before, inlines, after)
  local content = pandoc.Inlines(inlines)
  content:insert(1, raw(before))
  content:insert(raw(after))
  return content
end

-- A call in running text; the semicolon keeps what follows from being taken as part of it.
local function call(code) return raw('#' .. code .. ';') end

-- `#name[title][blocks]`, for a box with a title.
local function box(name, title, blocks)
  local out = pandoc.Blocks { pandoc.Plain(around('#' .. name .. '[', title, '][')) }
  out:extend(blocks)
  out:insert(pandoc.RawBlock('typst', ']'))
  return out
end

local function first_inlines(div)
  local block = div and div.content[1]
  return block and block.content or pandoc.Inlines {}
end

local function child(div, class)
  for _, block in ipairs(div.content) do
    if block.t == 'Div' and block.classes:includes(class) then return block end
  end
  return pandoc.Div {}
end

-- Headings --------------------------------------------------------------------------------

-- A chapter's first heading says which file it comes from, for Typst's complaints, and
-- whether the pages numbered 1, 2, 3 … begin with it.
local function header(h)
  local out = pandoc.Blocks {}
  if h.attributes.path then
    out:insert(pandoc.RawBlock('typst', '// chapter: ' .. h.attributes.path))
  end
  if h.attributes.main then out:insert(pandoc.RawBlock('typst', '#show: workbook-main')) end
  local number = h.attributes.label or h.attributes.number or ''
  local before = ('#forms.headline(%d, kind: %s, number: %s%s)['):format(
    h.level, quoted(h.attributes.kind or 'section'), quoted(number), id(h.identifier))
  out:insert(pandoc.Plain(around(before, h.content, ']')))
  return out
end

-- References, captions --------------------------------------------------------------------

local function is_reference(inline)
  return inline ~= nil and inline.t == 'Link' and inline.classes:includes 'xref'
end

-- An address without what nobody types.
local function bare(address)
  return (address:gsub('^https?://', ''):gsub('/$', ''))
end

-- Whether paper must say where a link leads: not if its own text is the address, nor if that
-- stands beside it already.
local function is_hidden(l)
  if is_reference(l) or l.classes:includes 'again' then return false end
  return l.target:match '^https?://' and bare(pandoc.utils.stringify(l)) ~= bare(l.target)
end

-- The addresses to which a second language leads, too: both call one footnote. Of each that is
-- called now the name of the last note. Each chapter is written by itself, so it names them.
local again = {}
local notes = 0
local chapter = ''

local function find_chapter(h)
  if chapter == '' then chapter = h.identifier end
end

local function find_again(l)
  if l.classes:includes 'again' then again[l.target] = '' end
end

local function second_call(l)
  local note = again[l.target]
  if not l.classes:includes 'again' or note == '' then return nil end
  return around(('#forms.again(%s, %s)['):format(quoted(l.target), quoted(note)), l.content, '];')
end

local function first_call(l)
  local note = ''
  if again[l.target] then
    notes = notes + 1
    again[l.target] = 'note-' .. chapter .. '-' .. notes
    note = ', note: ' .. quoted(again[l.target])
  end
  return around('#forms.outside(' .. quoted(l.target) .. note .. ')[', l.content, '];')
end

local function link(l)
  if is_reference(l) then
    return around('#forms.reference(<' .. l.target:sub(2) .. '>)[', l.content, '];')
  end
  if not is_hidden(l) then return second_call(l) end
  local letter = l.attributes.letter
  if letter then
    return around(('#forms.noted(%s, %s)['):format(quoted(letter), quoted(l.target)), l.content, '];')
  end
  return first_call(l)
end

-- The addresses in a table stand below it, under letters: a note at the page's foot would stay
-- behind when the table moves to the next page.
local function noted(float)
  local letters, notes = {}, {}
  local out = float:walk {
    Link = function(l)
      if not is_hidden(l) then return nil end
      if not letters[l.target] then
        letters[l.target] = string.char(string.byte 'a' + #notes)
        table.insert(notes, quoted(l.target))
      end
      l.attributes.letter = letters[l.target]
      return l
    end,
  }
  if #notes > 0 then out.attributes.notes = table.concat(notes, ', ') end
  return out
end

-- 图 1.1 begins with a Chinese character, so no space sets it off from its neighbours.
local function wide(inline, at)
  local words = ''
  if is_reference(inline) then words, at = pandoc.utils.stringify(inline), 1 end
  if inline and inline.t == 'Str' then words = inline.text end
  local codepoint = words ~= '' and utf8.codepoint(words, utf8.offset(words, at)) or 0
  return codepoint >= 0x3000 and codepoint <= 0xFFEF
end

-- Between a formula and ： or ； Typst would break a line, which must not begin with either: a
-- word joiner forbids it.
local JOINER = utf8.char(0x2060)
local function joined(inline, before)
  local words = before and before.t == 'Math' and inline.t == 'Str' and inline.text or ''
  local first = words:match(utf8.charpattern) or ''
  if first == '' or not ('：；？！、，。）》”’』」'):find(first, 1, true) then return inline end
  return pandoc.Str(JOINER .. words)
end

-- (1) or (a), which does not end a line: it is the label of what follows.
local function is_item(inline)
  return inline ~= nil and inline.t == 'Str' and inline.text:match '%(%w%)$' ~= nil
end

local function close_up(inlines)
  local kept = pandoc.Inlines {}
  for i, inline in ipairs(inlines) do
    local before, after = inlines[i - 1], inlines[i + 1]
    local beside = is_reference(before) or is_reference(after)
    local space = inline.t == 'Space' or inline.t == 'SoftBreak'
    if space and is_item(before) then
      kept:insert(pandoc.Str(utf8.char(0xA0)))
    elseif not (space and beside and wide(before, -1) and wide(after, 1)) then
      kept:insert(joined(inline, before))
    end
  end
  return kept
end

local function span(s)
  if s.classes:includes 'caption-label' then
    return around('#forms.label-text[', s.content, '];')
  end
  if s.classes:includes 'index-mark' then
    return call('workbook-mark(' .. quoted(s.identifier) .. ')')
  end
end

-- Images and figures ----------------------------------------------------------------------

local function length(value)
  if not value then return nil end
  local number, unit = value:match '^([%d.]+)(.*)$'
  if unit == '' or unit == 'px' then return ('%gpt'):format(tonumber(number) * 0.75) end
  return value
end

local function image(i)
  local alt = i.attributes.alt or i.attributes['fig-alt'] or pandoc.utils.stringify(i.caption)
  local code = 'forms.picture(' .. quoted(i.src)
  if alt ~= '' then code = code .. ', alt: ' .. quoted(alt) end
  local width, height = length(i.attributes.width), length(i.attributes.height)
  if width then code = code .. ', width: ' .. width end
  if height then code = code .. ', height: ' .. height end
  return call(code .. ')')
end

-- Within a box or a list a figure stays where it is, as does one that nothing refers to.
local function floats(block)
  return block.identifier ~= '' and not block.classes:includes 'fixed'
end

local function fix(block)
  local function fixed(inner)
    inner.classes:insert 'fixed'
    return inner
  end
  return block:walk {
    Figure = fixed,
    Div = function(div)
      local kind = div.classes:includes 'table-float' or div.classes:includes 'callout'
      return kind and fixed(div) or nil
    end,
  }
end

local function figure(f)
  local name = '#forms.illustration('
  if f.classes:includes 'subfigures' then
    name = '#forms.parts(' .. (f.attributes.columns or '1') .. ', '
  end
  local caption = pandoc.utils.blocks_to_inlines(f.caption.long)
  if floats(f) then name = name .. 'floats: true, ' end
  if f.attributes.name then name = name .. 'name: ' .. quoted(f.attributes.name) .. ', ' end
  local out = pandoc.Blocks {
    pandoc.Plain(around(name .. 'caption: [', caption, ']' .. id(f.identifier) .. ')[')),
  }
  out:extend(f.content)
  out:insert(pandoc.RawBlock('typst', ']'))
  return out
end

-- A picture without a caption stands on a line of its own.
local function picture(paragraph)
  local i = paragraph.content[1]
  if #paragraph.content == 1 and i.t == 'Image' then
    return pandoc.Plain(around('#forms.centered[', { i }, ']'))
  end
end

-- A link to a figure is read aloud as its label. Each part of a figure becomes an argument of
-- its own: `[part][part]`.
local function name_and_separate(f)
  f.caption.long:walk {
    Span = function(s)
      if s.classes:includes 'caption-label' then
        f.attributes.name = f.attributes.name or pandoc.utils.stringify(s)
      end
    end,
  }
  if not f.classes:includes 'subfigures' then return f end
  local content = pandoc.Blocks {}
  for i, part in ipairs(f.content) do
    if i > 1 then content:insert(pandoc.RawBlock('typst', '][')) end
    part.classes:insert 'fixed'
    content:insert(part)
  end
  f.content = content
  return f
end

-- Formulas --------------------------------------------------------------------------------

local function math(m)
  return call('forms.formula(' .. quoted(m.text) .. ', ' .. typst_math(m) .. ')')
end

local function equation(div)
  local formula
  div:walk { Math = function(m) formula = formula or m end }
  if not formula then return nil end
  return pandoc.RawBlock('typst', ('#forms.formula(%s, number: %s%s, %s)'):format(
    quoted(formula.text), quoted(div.attributes.number or ''), id(div.identifier),
    typst_math(formula)))
end

-- Blocks ----------------------------------------------------------------------------------

local function is_room(block)
  return block ~= nil and block.t == 'Div' and block.classes:includes 'answer'
end

-- The room without the box that told how high it is, once all boxes around it are measured.
local function open_room(div) return is_room(div) and div.content or nil end

-- A question stays with the first lines of the room for its answer.
local function keep_with_room(blocks)
  local kept = pandoc.Blocks {}
  for i, block in ipairs(blocks) do
    local pair = block.t == 'Div' and block.classes:includes 'pair'
    if (block.t == 'Para' or pair) and is_room(blocks[i + 1]) then
      kept:insert(pandoc.RawBlock('typst', '#forms.kept['))
      kept:insert(block)
      kept:insert(pandoc.RawBlock('typst', ']'))
    else
      kept:insert(block)
    end
  end
  return kept
end

-- Whether a box takes no more than a sixth of a page, as far as its source tells.
local function is_short(blocks)
  local height = 0
  pandoc.walk_block(pandoc.Div(blocks), {
    CodeBlock = function(code) height = height + select(2, code.text:gsub('\n', '')) + 3 end,
    Para = function(para) height = height + 1 + utf8.len(pandoc.utils.stringify(para)) / 40 end,
    Plain = function(item) height = height + 1 + utf8.len(pandoc.utils.stringify(item)) / 40 end,
    Div = function(div)
      if is_room(div) then height = height + 2 * tonumber(div.attributes.lines) end
    end,
    Figure = function() height = height + 20 end,
    Table = function() height = height + 20 end,
  })
  return height < 6
end

local function callout(div)
  local kind = 'note'
  for _, class in ipairs(div.classes) do kind = class:match '^callout%-(%a+)$' or kind end
  local body = child(div, 'callout-body').content
  local short = is_short(body) and ', short: true' or ''
  if is_room(body[#body]) and not div.classes:includes 'fixed' then short = short .. ', room: true' end
  return box('forms.callout(' .. quoted(kind) .. id(div.identifier) .. short .. ')',
    first_inlines(child(div, 'callout-title')), body)
end

-- The room is set last, where it can fill its page; what it takes is said in `room`. What opens
-- the section stays with its first exercise, and what the page before has left is for notes.
local function exercise(div)
  local out = pandoc.Blocks {}
  local before = child(div, 'exercise-before').content
  local room = child(div, 'exercise-room').content[1]
  local name = 'forms.exercise(id: ' .. quoted(div.identifier)
  if room then
    name = ('%s, room: (%s, %s)'):format(
      name, room.attributes.lines, tostring(room.classes:includes 'squared'))
  end
  if #before > 0 then
    out:insert(pandoc.RawBlock('typst', '#forms.notes-to-foot\n#' .. name .. ', before: ['))
    out:extend(before)
    out:insert(pandoc.Plain(raw '])['))
  else
    out:insert(pandoc.Plain(raw('#' .. name .. ')[')))
  end
  local title = pandoc.Inlines(first_inlines(child(div, 'exercise-title')))
  title:insert(raw '][')
  title:extend(first_inlines(child(div, 'exercise-ways')))
  title:insert(raw '][')
  out[#out].content:extend(title)
  out:extend(child(div, 'exercise-body').content)
  out:insert(pandoc.RawBlock('typst', ']'))
  return out
end

local function wrapped(before, div)
  local out = pandoc.Blocks { pandoc.RawBlock('typst', '#' .. before .. '[') }
  out:extend(div.content)
  out:insert(pandoc.RawBlock('typst', ']'))
  return out
end

-- A table of more rows may go on overleaf; one with the columns of others is one of a long list.
local function is_long(t)
  local rows = 0
  for _, body in ipairs(t.bodies) do rows = rows + #body.body end
  return rows > (t.classes:includes 'even' and 5 or 15)
end

-- Columns as wide as they need to be: pandoc would take their widths from the dashes of
-- a source line that is long.
local function table_form(t)
  if not t.classes:includes 'even' then
    for _, column in ipairs(t.colspecs) do column[2] = nil end
  end
  if is_long(t) then
    return { pandoc.RawBlock('typst', '#forms.long['), t, pandoc.RawBlock('typst', ']') }
  end
  return t
end

-- A definition of one line stands beside its word, a longer one below it.
local function definitions(list)
  local out = pandoc.Blocks {}
  for _, item in ipairs(list.content) do
    local word, body = item[1], item[2][1]
    if #body == 1 and body[1].t == 'Plain' then
      local line = around('#forms.entry[', word, '][')
      line:extend(body[1].content)
      line:insert(raw(']'))
      out:insert(pandoc.Plain(line))
    else
      out:extend(box('forms.definition', word, body))
    end
  end
  return out
end

-- A cell's code, then its outputs.
local function cell(div)
  local content = div.content
  local code, output = content[1], content[2]
  if not (div.classes:includes 'cell' and code and code.t == 'CodeBlock') then return content end
  local spread = div.classes:includes 'spread'
  local printed = output ~= nil and output.t == 'CodeBlock'
  if not (printed or spread) then return content end
  local call = spread and ('forms.code(kept: %s, spread: true)'):format(printed) or 'forms.with-output'
  local out = wrapped(call, pandoc.Div { code })
  out:extend { table.unpack(content, 2) }
  return out
end

-- What render/index.py has written already, and code of the page itself.
local function written(code)
  if code.classes:includes 'typst-call' then return pandoc.RawBlock('typst', code.text) end
  if not code.classes:includes 'spread' then return nil end
  code.classes = code.classes:filter(function(class) return class ~= 'spread' end)
  return wrapped('forms.code(spread: true)', pandoc.Div { code })
end

local function rule() return pandoc.RawBlock('typst', '#forms.rule') end

local function block(div)
  local classes = div.classes
  if classes:includes 'callout' then return callout(div) end
  if classes:includes 'exercise' then return exercise(div) end
  if classes:includes 'table-float' then
    local notes = div.attributes.notes
    return wrapped(('forms.table-float(id: %s%s%s)'):format(
      quoted(div.identifier), notes and ', notes: (' .. notes .. ',)' or '',
      floats(div) and not div.attributes.long and ', floats: true' or ''), div)
  end
  if classes:includes 'answer-reference' then return wrapped('forms.answer-reference', div) end
  if div.identifier == 'refs' then return wrapped('forms.works', div) end
  -- References point at floats, never at the cell around them.
  if classes:includes 'cell' or classes:includes 'cell-output' then return cell(div) end
end

-- The tables of the list of notation have the same columns, so that they stand in line.
local function in_line(div)
  return div:walk {
    Table = function(t)
      t.classes:insert 'even'
      for i, width in ipairs { 0.16, 0.52, 0.32 } do t.colspecs[i][2] = width end
      return t
    end,
  }
end

local function told_long(float)
  float:walk { Table = function(t) if is_long(t) then float.attributes.long = 'true' end end }
  return float
end

local function prepare(div)
  if div.classes:includes 'equation' then return equation(div) end
  if div.classes:includes 'notation' then return in_line(div) end
  if div.classes:includes 'table-float' then return noted(told_long(div)) end
  if div.classes:includes 'callout' or div.classes:includes 'exercise' then return fix(div) end
end

-- Whether it will float, asked before anything in it is written.
local function will_float(block)
  local long = false
  block:walk { Table = function(t) long = long or is_long(t) end }
  return floats(block) and not long
end

local function with_springs(doc)
  doc.blocks = springs.sprung(doc.blocks, will_float, doc.meta.stacked)
  return doc
end

-- Labelled formulas and parts of figures first, while they can still be told from others.
return {
  shared = {
    definitions = definitions, in_line = in_line, is_short = is_short, link = link,
    keep_with_room = keep_with_room, noted = noted, open_room = open_room, rule = rule, wide = wide,
  },
  { Pandoc = with_springs },
  { Div = prepare, BulletList = fix, OrderedList = fix, BlockQuote = fix,
    Figure = name_and_separate, Para = picture, Link = find_again, Header = find_chapter,
    Inlines = close_up, Blocks = keep_with_room },
  {
    Header = header, Div = block, Figure = figure, Table = table_form, HorizontalRule = rule,
    DefinitionList = definitions, CodeBlock = written, Link = link, Span = span, Image = image, Math = math,
  },
  { Div = open_room },
}
