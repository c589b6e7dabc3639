extension Nation {
    /// Great Britain and Ireland.
    static let british: [Nation] = [
        Nation(
            "GB", "United Kingdom",
            male:
                "Oliver,George,Harry,Jack,Jacob,Noah,Charlie,Thomas,Oscar,William,James,Alfie,Archie,Theodore,Edward,Callum,Rhys,Hamish,Angus,Gareth",
            female:
                "Olivia,Amelia,Isla,Ava,Emily,Sophia,Grace,Mia,Poppy,Ella,Lily,Evie,Charlotte,Freya,Florence,Cerys,Eilidh,Imogen,Harriet,Beatrice",
            last:
                "Smith,Jones,Taylor,Brown,Williams,Wilson,Johnson,Davies,Patel,Robinson,Wright,Thompson,Evans,Walker,White,Roberts,Green,Hall,Wood,Jackson,Clarke,Macrae,Campbell,Hughes",
            streets:
                "High Street,Station Road,London Road,Church Lane,Victoria Road,Queens Road,Albert Road,Park Avenue,Mill Lane,Manor Road,Kings Road,Grange Road,Windsor Road,The Crescent,Broadway,North Street",
            cities:
                "Aberdeen,Bath,Cardiff,Derby,Exeter,Glasgow,Hereford,Inverness,Kingston upon Hull,Lancaster,Newry,Oxford,Plymouth,Ripon,Stirling,Truro,Wells,York",
            states:
                "Avon,Berkshire,Cambridgeshire,Cornwall,County Antrim,County Down,Cumbria,Devon,Dyfed,Essex,Fife,Gwent,Highlands and Islands,Kent,Lothian,Merseyside,Norfolk,Powys,Rutland,Somerset,Tayside,West Midlands",
            postcode: .text(["@# #@@", "@## #@@", "@@# #@@", "@@## #@@", "@#@ #@@", "@@#@ #@@"]),
            phones: ["01### #####", "01### ######", "011# ### ####", "020 #### ####"], cells: ["07### ######"], identity: .nino),
        Nation(
            "IE", "Ireland",
            male:
                "Conor,Seán,Cian,Oisín,Patrick,Fionn,Rían,Darragh,Liam,Eoin,Cillian,Aidan,Declan,Brendan,Ronan,Tadhg,Niall,Fergus,Shane,Dylan",
            female:
                "Aoife,Saoirse,Niamh,Ciara,Caoimhe,Róisín,Orla,Sinéad,Gráinne,Maeve,Éabha,Fiadh,Siobhán,Clodagh,Bridget,Sadhbh,Erin,Nessa,Áine,Deirdre",
            last:
                "Murphy,Kelly,O'Sullivan,Walsh,Smith,O'Brien,Byrne,Ryan,O'Connor,O'Neill,O'Reilly,Doyle,McCarthy,Gallagher,Doherty,Kennedy,Lynch,Murray,Quinn,Moore,Farragher,Fitzpatrick",
            streets:
                "O'Connell Street,Grafton Street,Patrick Street,Shop Street,Main Street,The Green,Ormond Quay,Church Road,Strand Road,Galway Road,Mill Road,Patrick Hill,Eyre Square,Dame Lane",
            cities:
                "Athlone,Ballina,Carlow,Drogheda,Ennis,Fermoy,Galway,Kilkenny,Letterkenny,Mallow,Navan,Roscommon,Sligo,Tralee,Waterford,Youghal",
            states:
                "Carlow,Cavan,Clare,Cork City,Donegal,Dublin City,Galway,Kerry,Kildare,Kilkenny,Laois,Leitrim,Limerick,Longford,Louth,Mayo,Meath,Monaghan,Offaly,Sligo,Wexford,Wicklow",
            postcode: .number(10_000...99_998), phones: ["0#1-###-####"], cells: ["081-###-####"], identity: .pps),
    ]
}
