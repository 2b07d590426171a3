-- The bilingual edition in print: turns pairs and lines of both languages into calls of
-- theme/print/parallel.typ. It runs after theme/print/typst.lua, which knows nothing of languages.

local function raw(code) return pandoc.RawBlock('typst', code) end

local function half(div, class)
  for _, block in ipairs(div.content) do
    if block.classes:includes(class) then return block.content end
  end
end

local function pair(div)
  local out = pandoc.Blocks { raw '#parallel[' }
  out:extend(half(div, 'zh'))
  out:insert(raw '][')
  out:extend(half(div, 'en'))
  out:insert(raw ']')
  return out
end

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

local function block(div)
  if div.classes:includes 'claims' then return div:walk { OrderedList = claims } end
  if div.classes:includes 'pair' then return pair(div) end
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

return { { Inlines = with_stars, Div = block, Span = words } }
