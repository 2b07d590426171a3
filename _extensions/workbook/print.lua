-- Quarto only, Typst only, after workbook.lua: what theme/print/typst.lua does in the embedded engine,
-- as far as Quarto's own filters leave it to do.

if not FORMAT:match 'typst' then return {} end

local theme = pandoc.path.join { quarto.project.directory, 'theme', 'print' }
local shared = loadfile(pandoc.path.join { theme, 'typst.lua' })(theme).shared

local function is_reference(inline)
  local id = inline and inline.t == 'Cite' and inline.citations[1].id or ''
  return id:match '^sec%-' or id:match '^fig%-' or id:match '^tbl%-' or id:match '^eq%-'
    or id:match '^exr%-'
end

-- 图 1.1 begins with a Chinese character, so no space sets it off from its neighbours.
local language
local function close_up(inlines)
  if language ~= 'zh' then return nil end
  local kept = pandoc.Inlines {}
  for i, inline in ipairs(inlines) do
    local before, after = inlines[i - 1], inlines[i + 1]
    local space = inline.t == 'Space' or inline.t == 'SoftBreak'
    local wide = (is_reference(before) or shared.wide(before, -1))
      and (is_reference(after) or shared.wide(after, 1))
    if not (space and (is_reference(before) or is_reference(after)) and wide) then
      kept:insert(inline)
    end
  end
  return kept
end

-- theme/quarto/quarto.typ reads this: the kind of a box, and whether it stays on one page.
local function mark_callout(callout)
  local blocks = quarto.utils.as_blocks(callout.content)
  local marks = ('#metadata(("%s", %s))'):format(callout.type, tostring(shared.is_short(blocks)))
  local title = quarto.utils.as_inlines(callout.title)
  title:insert(1, pandoc.RawInline('typst', marks))
  callout.title = title
  return callout
end

-- Code of a few lines stays with what it printed.
local function keep_with_output(cell)
  local code, output = cell.content[1], cell.content[2]
  local printed = code and code.t == 'CodeBlock' and output and output.t == 'Div'
    and #output.content == 1 and output.content[1].t == 'CodeBlock'
  if not printed or select(2, code.text:gsub('\n', '')) >= 14 then return nil end
  cell.content:insert(1, pandoc.RawBlock('typst', '#forms.with-output['))
  cell.content:insert(3, pandoc.RawBlock('typst', ']'))
  return cell
end

-- citeproc fills the bibliography in later.
local function bibliography(place)
  return pandoc.Blocks {
    pandoc.RawBlock('typst', '#forms.works['), place, pandoc.RawBlock('typst', ']'),
  }
end

local function div(block)
  if block.identifier == 'refs' then return bibliography(block) end
  if block.classes:includes 'notation' then return shared.in_line(block) end
  if block.classes:includes 'cell' then return keep_with_output(block) end
end

-- Columns as wide as they need to be: pandoc would take their widths from the dashes of a source
-- line that is long.
local function free_columns(t)
  if not t.classes:includes 'even' then
    for _, column in ipairs(t.colspecs) do column[2] = nil end
  end
  return t
end

-- Addresses in a table stand below it, under letters.
local function note_addresses(float, node)
  if float.type ~= 'Table' then return nil end
  local div = shared.noted(pandoc.Div(float.content))
  local notes = div.attributes.notes
  if not notes then return nil end
  float.content = div.content[1]
  return pandoc.Blocks {
    pandoc.RawBlock('typst', '#forms.table-float(notes: (' .. notes .. ',))['),
    node,
    pandoc.RawBlock('typst', ']'),
  }
end

return {
  { Meta = function(meta) language = pandoc.utils.stringify(meta.lang or 'en'):match '^%a+' end },
  {
    Div = div,
    Blocks = shared.keep_with_room,
    FloatRefTarget = note_addresses,
    Inlines = close_up,
  },
  {
    Callout = mark_callout,
    DefinitionList = shared.definitions,
    HorizontalRule = shared.rule,
    Link = shared.link,
    Table = free_columns,
  },
  { Div = shared.open_room },
}
