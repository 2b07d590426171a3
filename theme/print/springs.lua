-- Says between which blocks a page may be spread to its foot: a spring (forms.spring) for what
-- stands between two of them. Only blocks of the page itself have them, none within a box.

local SET_OFF = {
  BlockQuote = true, BulletList = true, CodeBlock = true, DefinitionList = true, Figure = true,
  HorizontalRule = true, OrderedList = true, Table = true,
}

-- What the filter of both engines has written for paper already, as a run of blocks.
local TITLE, SHEET = '^#workbook%-answer%-title%[', '^#workbook%-cheatsheet%('

local function is_raw(block, pattern)
  return block ~= nil and block.t == 'RawBlock' and block.text:match(pattern) ~= nil
end

local function has(block, class) return block.t == 'Div' and block.classes:includes(class) end

-- Whether a block stands in columns, a language in each: a pair, or a list of pairs.
local function is_paired(block)
  if block.t == 'BulletList' or block.t == 'OrderedList' then
    local item = block.content[1]
    return #item == 1 and has(item[1], 'pair')
  end
  return has(block, 'pair')
end

-- How high a language stands in its column, in points, as far as the source tells: lines of 22
-- Chinese characters or of 45 letters.
local PITCH = { zh = 17.5, en = 14.5 }
local function height(block, lang)
  local lines = 0
  local function count(text)
    local width = 0
    for _, code in utf8.codes(pandoc.utils.stringify(text)) do width = width + (code >= 0x2E80 and 2 or 1) end
    lines = lines + math.ceil(width / 45)
  end
  pandoc.Div(block):walk {
    Div = function(half) if has(half, lang) then half:walk { Para = count, Plain = count } end end,
  }
  return lines * PITCH[lang]
end

-- What a block is to the space around it: a title, prose, a box, or anything else set off from
-- prose; nothing where the space is not to give.
local function kind(block)
  if block.t == 'Header' or is_raw(block, TITLE) then return 'title' end
  if block.t == 'Para' or block.t == 'Plain' or is_paired(block) then return 'prose' end
  if SET_OFF[block.t] then return 'set off' end
  local fixed = has(block, 'answer') or has(block, 'exercise') or has(block, 'claims')
  if block.t ~= 'Div' or fixed then return nil end
  return has(block, 'callout') and 'box' or 'set off'
end

-- How much of what a page has left stands between two blocks: most above a title and above a
-- box, little between paragraphs, nothing below a title.
local STRENGTH = { title = 1.25, box = 1.25, ['set off'] = 1, prose = 1 }
local function strength(before, after)
  local above, below = kind(before), kind(after)
  if not above or not below or above == 'title' then return nil end
  return (above ~= 'prose' or below ~= 'prose') and STRENGTH[below] or 0.3
end

-- Pairs that follow each other go on in their columns (parallel.lua). A spring parts them, so it
-- stands only where one language is no further ahead of the other than this, in points.
local NEAR = 9

-- `paired`: one of both is a pair, which has more space around it than a paragraph.
local function spring(weight, paired)
  local shared = paired and ', shared: 1.3em' or ''
  return pandoc.RawBlock('typst', ('#forms.spring(%g%s)'):format(weight, shared))
end

-- Whether a block takes no room where it stands in the text: what floats, a cell that shows
-- nothing else or nothing at all.
local is_out_of_line
function is_out_of_line(block, floats)
  if has(block, 'cell') or has(block, 'cell-output') then
    return block.content:find_if(function(part) return not is_out_of_line(part, floats) end) == nil
  end
  return (block.t == 'Figure' or has(block, 'table-float')) and floats(block)
end

-- A list of terms as one for each term, so that there is a place between them.
local function by_term(blocks)
  local out = pandoc.Blocks {}
  for _, block in ipairs(blocks) do
    if block.t == 'DefinitionList' then
      for _, item in ipairs(block.content) do out:insert(pandoc.DefinitionList { item }) end
    else
      out:insert(block)
    end
  end
  return out
end

-- Code of the page itself, whose blank lines are such places, too (forms.code).
local function spread(block)
  if block.t == 'CodeBlock' or has(block, 'cell') then block.classes:insert 'spread' end
  return block
end

-- The blocks of a chapter with their springs and what ends it, up to a sheet of cards, which has columns. `floats`
-- tells whether a figure or a table does, `stacked` that the languages of a pair have no columns.
local function sprung(blocks, floats, stacked)
  local out = pandoc.Blocks {}
  local before, ahead = nil, 0
  local titled, sheet = false, false  -- within a title, within the sheet
  for _, block in ipairs(by_term(blocks)) do
    sheet = sheet or is_raw(block, SHEET)
    if not (sheet or titled or is_out_of_line(block, floats)) then
      local paired, follows = is_paired(block), before and is_paired(before)
      local apart = paired and follows and not stacked and math.abs(ahead) > NEAR
      local weight = before and not apart and strength(before, block)
      if weight then out:insert(spring(weight, paired or follows)) end
      ahead = paired and (weight and 0 or ahead) + height(block, 'zh') - height(block, 'en') or 0
      before = block
    end
    titled = is_raw(block, TITLE) or titled and not is_raw(block, '^%]')
    out:insert(sheet and block or spread(block))
  end
  if not sheet then out:insert(pandoc.RawBlock('typst', '#forms.chapter-end')) end
  return out
end

return { sprung = sprung }
