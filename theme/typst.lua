-- The embedded engine only: turns what numbering made (labels, captions, callouts,
-- exercises, references) into calls of theme/book.typ, and gives every image and formula
-- the alternative text that a tagged PDF needs and pandoc's writer leaves out.

local function raw(code) return pandoc.RawInline('typst', code) end

-- A Typst string with what a document may hold safely inside.
local function quoted(value)
  return '"' .. value:gsub('\\', '\\\\'):gsub('"', '\\"'):gsub('%s+', ' ') .. '"'
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

-- `call[title][blocks]`, for a box with a title.
local function box(call, title, blocks)
  local out = pandoc.Blocks { pandoc.Plain(around('#' .. call .. '[', title, '][')) }
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

local function header(h)
  local number = h.attributes.label or h.attributes.number or ''
  local call = ('#workbook-heading(%d, kind: %s, number: %s%s)['):format(
    h.level, quoted(h.attributes.kind or 'section'), quoted(number), id(h.identifier))
  return pandoc.Plain(around(call, h.content, ']'))
end

-- References, captions --------------------------------------------------------------------

local function link(l)
  if l.classes:includes 'xref' and l.target:sub(1, 1) == '#' then
    return around('#workbook-reference(<' .. l.target:sub(2) .. '>)[', l.content, ']')
  end
end

local function span(s)
  if s.classes:includes 'caption-label' then
    return around('#workbook-label[', s.content, ']')
  end
end

-- Images and figures ----------------------------------------------------------------------

local function length(value)
  if not value then return nil end
  local number, unit = value:match '^([%d.]+)(.*)$'
  if unit == '' or unit == 'px' then return ('%gpt'):format(tonumber(number) * 0.75) end
  return value
end

local function image_call(image)
  local alt = image.attributes.alt or image.attributes['fig-alt']
    or pandoc.utils.stringify(image.caption)
  local call = 'workbook-image(' .. quoted(image.src)
  if alt ~= '' then call = call .. ', alt: ' .. quoted(alt) end
  local width, height = length(image.attributes.width), length(image.attributes.height)
  if width then call = call .. ', width: ' .. width end
  if height then call = call .. ', height: ' .. height end
  return call .. ')'
end

local function image(i) return raw('#' .. image_call(i)) end

local function figure(f)
  local call = '#workbook-figure(caption: ['
  if f.classes:includes 'subfigures' then
    call = '#workbook-subfigures(' .. (f.attributes.columns or '1') .. ', caption: ['
  end
  local caption = pandoc.utils.blocks_to_inlines(f.caption.long)
  local out = pandoc.Blocks { pandoc.Plain(around(call, caption, ']' .. id(f.identifier) .. ')[')) }
  out:extend(f.content)
  out:insert(pandoc.RawBlock('typst', ']'))
  return out
end

-- Formulas --------------------------------------------------------------------------------

local function typst_math(m)
  local written = pandoc.write(pandoc.Pandoc { pandoc.Plain { m } }, 'typst')
  return (written:gsub('%s+$', ''))
end

local function math(m) return raw('#workbook-math(' .. quoted(m.text) .. ', ' .. typst_math(m) .. ')') end

local function equation(div)
  local formula
  div:walk { Math = function(m) formula = formula or m end }
  if not formula then return nil end
  return pandoc.RawBlock('typst', ('#workbook-math(%s, number: %s%s, %s)'):format(
    quoted(formula.text), quoted(div.attributes.number or ''), id(div.identifier),
    typst_math(formula)))
end

-- Blocks ----------------------------------------------------------------------------------

local function callout(div)
  local kind = 'note'
  for _, class in ipairs(div.classes) do kind = class:match '^callout%-(%a+)$' or kind end
  return box('workbook-callout(' .. quoted(kind) .. id(div.identifier) .. ')',
    first_inlines(child(div, 'callout-title')), child(div, 'callout-body').content)
end

local function exercise(div)
  return box('workbook-exercise(id: ' .. quoted(div.identifier) .. ')',
    first_inlines(child(div, 'exercise-title')), child(div, 'exercise-body').content)
end

local function bibliography(div)
  local out = pandoc.Blocks { pandoc.RawBlock('typst', '#workbook-bibliography[') }
  out:extend(div.content)
  out:insert(pandoc.RawBlock('typst', ']'))
  return out
end

local function block(div)
  local classes = div.classes
  if classes:includes 'callout' then return callout(div) end
  if classes:includes 'exercise' then return exercise(div) end
  if div.identifier == 'refs' then return bibliography(div) end
  -- References point at floats, never at the cell around them.
  if classes:includes 'cell' or classes:includes 'cell-output' then return div.content end
end

local function labelled_equation(div)
  if div.classes:includes 'equation' then return equation(div) end
end

-- Labelled formulas first: their numbers stand outside the formula.
return {
  { Div = labelled_equation },
  { Header = header, Link = link, Span = span, Image = image, Figure = figure, Math = math,
    Div = block },
}
