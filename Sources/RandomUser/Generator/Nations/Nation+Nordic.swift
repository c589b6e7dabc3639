extension Nation {
    /// Denmark, Finland, Norway.
    static let nordic: [Nation] = [
        Nation(
            "DK", "Denmark",
            male:
                "William,Noah,Oscar,Søren,Jørgen,Mikkel,Rasmus,Frederik,Villads,Bjørn,Jeppe,Magnus,Kasper,Asger,Tobias,Storm,Valdemar,Nikolaj,Jonas,Christoffer",
            female:
                "Ida,Emma,Freja,Alberte,Liva,Sofie,Agnes,Åse,Mathilde,Laura,Lærke,Naja,Signe,Astrid,Josefine,Rosa,Cæcilie,Emilie,Maja,Ditte",
            last:
                "Nielsen,Jensen,Hansen,Pedersen,Andersen,Christensen,Larsen,Sørensen,Rasmussen,Jørgensen,Petersen,Madsen,Kristensen,Olsen,Thomsen,Møller,Poulsen,Johansen,Østergaard,Kjær",
            streets:
                "Nørregade,Østergade,Skovvej,Møllevej,Åboulevarden,Strandvejen,Kildebakken,Egelunden,Birkevej,Gammel Kongevej,Markedsgade,Fælledvej,Kærvænget,Solbakken",
            cities:
                "Aarhus,Brøndby,Esbjerg,Fåborg,Grenå,Hjørring,Ikast,Køge,Lemvig,Næstved,Odense,Ryslinge,Silkeborg,Tønder,Ulstrup,Viborg,Ærøskøbing",
            states: "Danmark,Hovedstaden,Midtjylland,Nordjylland,Sjælland,Syddanmark",
            postcode: .number(10_000...99_998), phones: ["########"], cells: ["########"], identity: .cpr),
        Nation(
            "FI", "Finland",
            male: "Eino,Väinö,Onni,Leevi,Oskari,Elias,Eemil,Veeti,Aapo,Niilo,Akseli,Joona,Mikael,Toivo,Arttu,Lauri,Jyri,Topias,Sampo,Pekka",
            female: "Aino,Helmi,Venla,Kerttu,Siiri,Emma,Aada,Lumi,Päivi,Sanni,Eevi,Linnea,Minttu,Pihla,Iida,Enni,Ilona,Hilla,Elsa,Tuuli",
            last:
                "Korhonen,Virtanen,Mäkinen,Nieminen,Mäkelä,Hämäläinen,Laine,Heikkinen,Koskinen,Järvinen,Lehtonen,Lehtinen,Saarinen,Salminen,Niskanen,Räisänen,Hakala,Ylitalo,Pöysti,Kalm",
            streets:
                "Mannerheimintie,Aleksanterinkatu,Hämeenkatu,Bulevardi,Esplanadi,Fredrikinkatu,Siilitie,Pispalan Valtatie,Rautatienkatu,Korkeavuorenkatu,Tehtaankatu,Näsilinnankatu,Suvantokatu",
            cities:
                "Akaa,Espoo,Hämeenlinna,Inari,Jyväskylä,Kuopio,Lahti,Mikkeli,Närpiö,Oulu,Pori,Rovaniemi,Savonlinna,Tampere,Utsjoki,Vaasa,Äänekoski",
            states:
                "Central Finland,Central Ostrobothnia,Finland Proper,Kainuu,Kymenlaakso,Lapland,North Karelia,Northern Savonia,Ostrobothnia,Pirkanmaa,Päijät-Häme,Satakunta,South Karelia,Tavastia Proper,Uusimaa,Åland",
            postcode: .number(10_000...99_998), phones: ["0#-###-###"], cells: ["04#-###-##-##"], identity: .hetu),
        Nation(
            "NO", "Norway",
            male:
                "Håkon,Sindre,Bjørnar,Lars,Sverre,Viljar,Øyvind,Magnus,Eirik,Torstein,Kåre,Brynjar,Jonas,Ola,Trygve,Aksel,Mathias,Odin,Sander,Vegard",
            female:
                "Nora,Ingrid,Sigrid,Åshild,Tuva,Live,Solveig,Maren,Frøya,Ragnhild,Margit,Emmie,Thea,Iris,Synnøve,Astrid,Målfrid,Kristine,Hedda,Sunniva",
            last:
                "Hansen,Johansen,Olsen,Larsen,Andersen,Nilsen,Berg,Haugen,Hagen,Bakken,Solberg,Moen,Lie,Ødegård,Øiseth,Lunde,Strand,Molde,Takvam,Vedal,Åsheim,Lohne",
            streets:
                "Karl Johans gate,Storgata,Kirkeveien,Bjørnstjerne Bjørnsons vei,Fjellveien,Strandgata,Møllergata,Skogveien,Åsveien,Trostefaret,Tollbugata,Rådhusgata,Sørkedalsveien,Granlia",
            cities:
                "Alta,Bodø,Drammen,Egersund,Flåm,Gjøvik,Hamar,Kristiansund,Lillehammer,Mosjøen,Narvik,Røros,Stavanger,Tromsø,Ulsteinvik,Vadsø,Ålesund",
            states:
                "Akershus,Aust-Agder,Buskerud,Finnmark - Finnmárku,Hedmark,Hordaland,Møre og Romsdal,Nordland,Oppland,Oslo,Rogaland,Sogn og Fjordane,Sør-Trøndelag,Telemark,Troms - Romsa,Vestfold,Østfold",
            postcode: .text(["####"]), phones: ["########"], cells: ["4#######", "9#######"], identity: .fn),
    ]
}
