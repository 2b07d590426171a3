-- The bilingual edition in print: turns pairs and lines of both languages into calls of
-- theme/print/parallel.typ. It runs after theme/print/typst.lua, which knows nothing of languages.

local function raw(code) return pandoc.RawBlock('typst', code) end

local function half(div, class)
  for _, block in ipairs(div.content) do
    if block.classes:includes(class) then return block.content end
  end
end

-- Whether the lines of a Chinese paragraph would be torn: a name in code breaks nowhere.
local function has_code(block)
  local found = false
  block:walk { Code = function(code) found = found or #code.text > 6 end }
  return found
end

local function chinese(blocks)
  local out = pandoc.Blocks {}
  for _, block in ipairs(blocks) do
    local torn = (block.t == 'Para' or block.t == 'Plain' or block.t:match 'List$') and has_code(block)
    if torn then out:insert(raw '#ragged[') end
    out:insert(block)
    if torn then out:insert(raw ']') end
  end
  return out
end

local function pair(div)
  local out = pandoc.Blocks { raw '#workbook-pair[' }
  out:extend(chinese(half(div, 'zh')))
  out:insert(raw '][')
  out:extend(half(div, 'en'))
  out:insert(raw ']')
  return out
end

local function is_pair(block)
  return block.t == 'Div' and block.classes:includes 'pair'
end

local function as_pair(zh, en)
  local function div(blocks, class) return pandoc.Div(blocks, pandoc.Attr('', { class })) end
  return div({ div(zh, 'zh'), div(en, 'en') }, 'pair')
end

-- Pairs that follow each other become one, of which each language goes on in its own column:
-- what one needs more for a paragraph, the other may need for the next. Where the languages
-- alternate (`stacked`), they alternate with each paragraph.
local stacked = false
local function joined(blocks)
  if stacked then return nil end
  local out = pandoc.Blocks {}
  for _, block in ipairs(blocks) do
    local last = out[#out]
    if last and is_pair(block) and is_pair(last) then
      out[#out] = as_pair(half(last, 'zh') .. half(block, 'zh'), half(last, 'en') .. half(block, 'en'))
    else
      out:insert(block)
    end
  end
  return out
end

-- A list of pairs becomes a pair of lists, so that both have their bullets or numbers.
local function list(form)
  return function(it)
    local items = { zh = {}, en = {} }
    for _, item in ipairs(it.content) do
      local blocks = joined(item) or item
      if #blocks ~= 1 or not is_pair(blocks[1]) then return nil end
      for lang, list_of in pairs(items) do table.insert(list_of, half(blocks[1], lang)) end
    end
    return as_pair({ form(items.zh, it) }, { form(items.en, it) })
  end
end
local bullets = list(function(items) return pandoc.BulletList(items) end)
local numbers = list(function(items, it) return pandoc.OrderedList(items, it.listAttributes) end)

-- The claims of the ledger, a call for each: its number and all that stands below it.
local function claims(list)
  local out = pandoc.Blocks {}
  for i, item in ipairs(list.content) do
    out:insert(raw('#claim[' .. list.start + i - 1 .. ']['))
    out:extend(item)
    out:insert(raw ']')
  end
  return out
end

local function claims_of(div)
  if div.classes:includes 'claims' then return div:walk { OrderedList = claims } end
end

local function pair_of(div)
  if is_pair(div) then return pair(div) end
end

local function words(span)
  for _, class in ipairs { 'zh', 'en' } do
    if span.classes:includes(class) and span.attributes.lang then
      local content = span.content
      content:insert(1, pandoc.RawInline('typst', '#' .. class .. '-words['))
      content:insert(pandoc.RawInline('typst', '];'))
      return content
    end
  end
end

-- The stars of an exercise stay with the last word of its title.
local function with_stars(inlines)
  for i, inline in ipairs(inlines) do
    local after = inlines[i + 1]
    if inline.t == 'Space' and after and after.t == 'Str' and after.text:sub(1, 3) == '★' then
      inlines[i] = pandoc.Str '\u{a0}'
    end
  end
  return inlines
end

return {
  { Meta = function(meta) stacked = meta.stacked == true end },
  { Inlines = with_stars, Div = claims_of, BulletList = bullets, OrderedList = numbers, Span = words },
  { Blocks = joined },
  { Div = pair_of },
}
