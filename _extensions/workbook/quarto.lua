-- Quarto only, first of all, while exercises are boxes still: what the embedded engine does to a
-- chapter's tree in Python (src/workbook/render/exercises.py).

local ANSWER = { zh = '答案', en = 'Answer' }

local typst = FORMAT:match 'typst' ~= nil
local epub = FORMAT:match 'epub' ~= nil
local language = 'en'

local function read_metadata(meta)
  language = meta.lang and pandoc.utils.stringify(meta.lang):match '^%a+' or language
  -- What the colophon names.
  local versions = { 'Quarto ' .. tostring(quarto.version), 'pandoc ' .. tostring(PANDOC_VERSION) }
  meta['workbook-versions'] = pandoc.MetaList(versions)
  return meta
end

-- The line that says where the answer stands.
local function way_to_answer(exercise)
  local id = exercise:gsub('^exr%-', 'ans-')
  local word = ANSWER[language] or ANSWER.en
  if typst then
    return pandoc.RawBlock('typst',
      '#forms.answer-reference(forms.reference(<' .. id .. '>)[' .. word .. '])')
  end
  local page = epub and '' or '90-answers.qmd'
  local line = pandoc.Para { pandoc.Link(word, page .. '#' .. id) }
  return pandoc.Div(line, pandoc.Attr('', { 'answer-reference' }))
end

local function is_room(block)
  return block.t == 'Div' and block.classes:includes 'answer'
end

-- Each exercise's stub stands in its box, above the room to write: whoever works with a pencil
-- must see it first. In the source its cell follows the box.
local function place_stubs(blocks)
  local kept = pandoc.Blocks {}
  local box
  for _, block in ipairs(blocks) do
    local is_box = block.t == 'Div' and block.identifier:match '^exr%-'
    if is_box then
      box = block
      local room, at = box.content:find_if(is_room)
      if room then -- which in an EPUB says that there is a file to write in
        room.classes:insert 'of-exercise'
        box.content[at] = room
      end
      box.content:insert(way_to_answer(box.identifier))
    end
    if box and not is_box and block.t == 'Div' and block.attributes.exercise == box.identifier then
      local _, at = box.content:find_if(is_room)
      box.content:insert(at or #box.content, block)
    else
      kept:insert(block)
    end
  end
  return kept
end

-- The pages that are numbered 1, 2, 3 … begin with the first part or chapter.
local function begin_pages(doc)
  if not typst then return nil end
  for at, block in ipairs(doc.blocks) do
    local part = block.t == 'Div' and block.classes:includes 'quarto-book-part'
    local chapter = block.t == 'Header' and block.level == 1
      and not block.classes:includes 'unnumbered'
    if part or chapter then
      doc.blocks:insert(at, pandoc.RawBlock('typst', '#show: workbook-main'))
      return doc
    end
  end
end

return {
  { Meta = read_metadata },
  { Blocks = place_stubs },
  { Pandoc = begin_pages },
}
