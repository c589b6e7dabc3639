extension Nation {
    /// Germany, the Netherlands, Switzerland.
    static let german: [Nation] = [
        Nation(
            "DE", "Germany",
            male:
                "Lukas,Leon,Jürgen,Otmar,Björn,Günther,Theodor,Emil,Moritz,Jonas,Matthias,Detlef,Uwe,Falko,Henning,Wolfgang,Sören,Ansgar,Karl-Heinz,Jörg",
            female:
                "Mia,Hannah,Lieselotte,Käthe,Anneliese,Ursula,Sabine,Heike,Frieda,Leonie,Marlene,Gisela,Birgit,Jördis,Karin,Tanja,Luise,Valeska,Rosemarie,Benita",
            last:
                "Müller,Schmidt,Schneider,Fischer,Weber,Meyer,Wagner,Becker,Schulz,Hoffmann,Schäfer,Koch,Bauer,Richter,Klein,Wolf,Schröder,Neumann,Schwarz,Krüger,Hänel,Weiß,Jäger,Böhm",
            streets:
                "Hauptstraße,Schulstraße,Gartenstraße,Bahnhofstraße,Dorfstraße,Bergstraße,Birkenweg,Lindenstraße,Kirchplatz,Waldweg,Ringstraße,Am Mühlbach,Goethestraße,Meisenweg,Buchenweg,Rosenstraße",
            cities:
                "Aachen,Bautzen,Celle,Dillingen an der Donau,Emden,Fulda,Göttingen,Husum,Jülich,Köthen,Lüneburg,Münster,Nürnberg,Oschatz,Putlitz,Rüsselsheim,Wismar,Zwickau",
            states:
                "Baden-Württemberg,Bayern,Berlin,Brandenburg,Bremen,Hamburg,Hessen,Mecklenburg-Vorpommern,Niedersachsen,Nordrhein-Westfalen,Rheinland-Pfalz,Saarland,Sachsen,Sachsen-Anhalt,Schleswig-Holstein,Thüringen",
            postcode: .number(10_000...99_998), phones: ["0###-#######"], cells: ["017#-#######"], identity: .svnr),
        Nation(
            "NL", "Netherlands",
            male: "Daan,Sem,Lucas,Levi,Bram,Thijs,Jesse,Ruben,Lars,Sjoerd,Wout,Jurre,Maarten,Joost,Pieter,Hendrik,Gijs,Koen,Teun,Floris",
            female:
                "Emma,Tess,Sophie,Julia,Zoë,Evi,Anna,Fenna,Noor,Lotte,Femke,Sanne,Marijke,Roos,Saar,Iris,Bernadina,Noortje,Wilhelmina,Liesbeth",
            last:
                "De Jong,Jansen,De Vries,Van den Berg,Bakker,Van Dijk,Visser,Smit,Meijer,De Boer,Mulder,De Groot,Bos,Vos,Peters,Hendriks,Van Leeuwen,Dekker,Brouwer,Van der Linden,Van den Tempel,Roseboom",
            streets:
                "Kerkstraat,Schoolstraat,Molenweg,Dorpsstraat,Prinsengracht,Nieuwstraat,Julianastraat,Wilhelminalaan,Beatrixplein,Stationsweg,Kastanjelaan,Eikenlaan,Hoevebroek,Havenkade",
            cities:
                "Amersfoort,Breda,Coevorden,Delft,Enschede,Franeker,Gouda,Harlingen,IJlst,Kampen,Leeuwarden,Middelburg,Nijmegen,Oss,Roermond,Sneek,Tiel,Zwolle",
            states:
                "Drenthe,Flevoland,Friesland,Gelderland,Groningen,Limburg,Noord-Brabant,Noord-Holland,Overijssel,Utrecht,Zeeland,Zuid-Holland",
            postcode: .number(10_000...99_998), phones: ["(###)-###-####"], cells: ["(###)-###-####"], identity: .bsn),
        Nation(
            "CH", "Switzerland",
            male: "Urs,Reto,Beat,Jürg,Luca,Noel,Matteo,Loïc,Gian,Flurin,Andrin,Yannick,Cédric,René,Ueli,Fabrice,Nicolas,Bekim,Rainer,Rolf",
            female:
                "Vreni,Heidi,Ladina,Seraina,Mirjam,Elodie,Aurélie,Chiara,Giulia,Noemi,Regula,Annina,Françoise,Corinne,Giuliana,Debora,Claudia,Mélanie,Nathalie,Lorena",
            last:
                "Müller,Meier,Schmid,Keller,Weber,Huber,Schneider,Frei,Baumann,Zimmermann,Moser,Favre,Rochat,Blanc,Bernasconi,Ferrari,Caduff,Brunner,Gerber,Laurent,Richard,Masson",
            streets:
                "Rue du Lac,Avenue de la Gare,Chemin des Vignes,Route de Berne,Rue du Moulin,Place du Marché,Rue des Alpes,Quai du Rhône,Rue de la Fontaine,Avenue du Léman,Chemin du Bois,Rue Neuve",
            cities:
                "Aarau,Bellinzona,Chur,Davos,Engelberg,Fribourg,Genève,Herisau,Illgau,Küssnacht (Sz),Lugano,Montreux,Neuchâtel,Olten,Rüti bei Lyssach,Sion,Thun,Zermatt",
            states:
                "Aargau,Appenzell Ausserrhoden,Basel-Stadt,Bern,Fribourg,Genève,Glarus,Graubünden,Jura,Luzern,Neuchâtel,Nidwalden,Schaffhausen,Schwyz,Solothurn,St. Gallen,Thurgau,Ticino,Uri,Valais,Vaud,Zug,Zürich",
            postcode: .number(1_000...9_998), phones: ["07# ### ## ##"], cells: ["07# ### ## ##"], identity: .avs,
            titles: (["Monsieur"], ["Madame", "Mademoiselle"])),
    ]
}
